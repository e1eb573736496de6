"""What everything that can stand at a system must do, in memory and at a real one."""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import httpx
import pytest

from adapters.memory import Fault, Partner
from adapters.port import Standing
from domain.answer import Done, Pending, Refused
from domain.base import Goal
from domain.errors import Unavailable, UnexpectedAnswer


class Control(Protocol):
    """A tester's hand on the other side."""

    async def fail(self, fault: Fault, *, lookups: bool = False) -> None:
        """The next call goes wrong, or with `lookups` the next look-up."""
        ...

    async def effects(self, key: str) -> int: ...

    async def lookups(self) -> int: ...

    async def settle(self, key: str, *, refused: str = "") -> None:
        """Answer what is pending under the key."""
        ...

    async def waits(self, key: str) -> bool:
        """Whether something under the key is still pending; answered by trying to settle it."""
        ...

    async def fix(self, key: str) -> None:
        """What stands there can no longer be changed."""
        ...


@dataclass
class MemoryControl:
    partner: Partner

    async def fail(self, fault: Fault, *, lookups: bool = False) -> None:
        self.partner.fail(fault, operation="find" if lookups else "*")

    async def effects(self, key: str) -> int:
        return len(self.partner.effects(key))

    async def lookups(self) -> int:
        return self.partner.lookups

    async def settle(self, key: str, *, refused: str = "") -> None:
        self.partner.settle(key, refused=refused)

    async def waits(self, key: str) -> bool:
        try:
            self.partner.settle(key)
        except LookupError:
            return False
        return True

    async def fix(self, key: str) -> None:
        self.partner.fixed.add(key)


@dataclass
class SimulatorControl:
    web: httpx.AsyncClient
    url: str

    async def fail(self, fault: Fault, *, lookups: bool = False, **more: object) -> None:
        operation = "find_*" if lookups else "*"
        wanted = {"operation": operation, "match": {}, "fault": fault, "count": 1, **more}
        await self._post("faults", wanted)

    async def effects(self, key: str) -> int:
        return len(await self.book(key))

    async def book(self, key: str) -> list[dict[str, Any]]:
        book: list[dict[str, Any]] = await self._get("effects", key=key)
        return book

    async def lookups(self) -> int:
        calls = await self._get("calls")
        return sum(times for operation, times in calls.items() if operation.startswith("find_"))

    async def settle(self, key: str, *, refused: str = "") -> None:
        outcome = {"outcome": "refused", "reason": refused} if refused else {"outcome": "done"}
        await self._post("answers", {"key": key, **outcome})

    async def waits(self, key: str) -> bool:
        answer = {"key": key, "outcome": "done"}
        return (await self.web.post(f"{self.url}/_sim/answers", json=answer)).is_success

    async def fix(self, key: str) -> None:
        await self._post("milestones", {"key": key, "kind": "picked"})

    async def _post(self, what: str, body: object) -> None:
        response = await self.web.post(f"{self.url}/_sim/{what}", json=body)
        assert response.is_success, response.text

    async def _get(self, what: str, **query: str) -> Any:
        return (await self.web.get(f"{self.url}/_sim/{what}", params=query)).json()


@dataclass(frozen=True)
class Case:
    """One kind of thing: where it stands, how it is told, and what cannot be done with it."""

    standing: Standing[Any]
    tell: Callable[[Goal], Any]
    goal: Goal
    other: Goal
    refused: str
    takes_back: bool = True
    amends: bool = True


class StandingContract(abc.ABC):
    @pytest.fixture
    @abc.abstractmethod
    def case(self, *args: Any) -> Case: ...

    @pytest.fixture
    @abc.abstractmethod
    def control(self, *args: Any) -> Control: ...

    async def test_making_it_stand_twice_is_making_it_stand_once(
        self, case: Case, control: Control, key: str
    ) -> None:
        first = await case.standing.make_stand(key, case.tell(case.goal))
        again = await case.standing.make_stand(key, case.tell(case.goal))

        assert isinstance(first, Done)
        assert first.standing == case.goal
        assert first.ref
        assert again == first
        assert await control.effects(key) == 1

    async def test_another_key_is_another_effect(
        self, case: Case, control: Control, key: str
    ) -> None:
        await case.standing.make_stand(key, case.tell(case.goal))

        assert await case.standing.find(f"{key}0") is None
        assert await control.effects(f"{key}0") == 0

    async def test_it_is_found_as_it_stands(self, case: Case, key: str) -> None:
        assert await case.standing.find(key) is None

        made = await case.standing.make_stand(key, case.tell(case.goal))

        assert await case.standing.find(key) == made

    async def test_another_goal_stands_instead(
        self, case: Case, control: Control, key: str
    ) -> None:
        await case.standing.make_stand(key, case.tell(case.goal))

        amended = await case.standing.make_stand(key, case.tell(case.other))

        expected = case.other if case.amends else case.goal
        assert isinstance(amended, Done if case.amends else Refused)
        assert amended.standing == expected
        found = await case.standing.find(key)
        assert found
        assert found.standing == expected
        assert (await control.effects(key) > 1) is case.amends

    async def test_it_is_taken_back_where_that_is_possible(
        self, case: Case, control: Control, key: str
    ) -> None:
        await case.standing.make_stand(key, case.tell(case.goal))

        answer = await case.standing.make_stand(key, case.tell({}))
        again = await case.standing.make_stand(key, case.tell({}))

        expected = {} if case.takes_back else case.goal
        for answered in (answer, again):
            assert isinstance(answered, Done if case.takes_back else Refused)
            assert answered.standing == expected
        found = await case.standing.find(key)
        assert (found.standing if found else {}) == expected
        assert await control.effects(key) == (2 if case.takes_back else 1)

    async def test_what_never_stood_is_taken_back_without_an_effect(
        self, case: Case, control: Control, key: str
    ) -> None:
        answer = await case.standing.make_stand(key, case.tell({}))

        assert isinstance(answer, Done)
        assert answer.standing == {}
        assert await control.effects(key) == 0

    async def test_a_time_out_after_success_is_found_and_not_repeated(
        self, case: Case, control: Control, key: str
    ) -> None:
        await control.fail("timeout_after_success")
        with pytest.raises(Unavailable):
            await case.standing.make_stand(key, case.tell(case.goal))
        assert await control.effects(key) == 1

        before = await control.lookups()
        found = await case.standing.find(key)
        looked = await control.lookups() - before
        again = await case.standing.make_stand(key, case.tell(case.goal))

        assert found
        assert found.standing == case.goal
        assert again == found
        assert await control.effects(key) == 1
        assert looked > 0, "what is found is what the system says, not what we remember"

    @pytest.mark.parametrize("lookups", [False, True])
    async def test_a_dropped_connection_says_nothing(
        self, case: Case, control: Control, key: str, lookups: bool
    ) -> None:
        await control.fail("outage", lookups=lookups)

        call = case.standing.find(key) if lookups else self._make(case, key)
        with pytest.raises(Unavailable):
            await call

        assert await control.effects(key) == 0

    async def test_too_many_requests_say_when_to_come_back(
        self, case: Case, control: Control, key: str
    ) -> None:
        await control.fail("throttle")

        with pytest.raises(Unavailable) as raised:
            await case.standing.make_stand(key, case.tell(case.goal))

        assert raised.value.next_retry_delay == timedelta(seconds=1)
        assert await control.effects(key) == 0

    async def test_nonsense_is_no_answer(self, case: Case, control: Control, key: str) -> None:
        await control.fail("malformed")
        with pytest.raises(UnexpectedAnswer):
            await case.standing.make_stand(key, case.tell(case.goal))

        await control.fail("malformed", lookups=True)
        with pytest.raises(UnexpectedAnswer):
            await case.standing.find(key)

    async def test_a_refusal_says_why_and_changes_nothing(
        self, case: Case, control: Control, key: str
    ) -> None:
        await control.fail("refuse")

        refused = await case.standing.make_stand(key, case.tell(case.goal))

        assert isinstance(refused, Refused)
        assert refused.reason == case.refused
        assert not refused.standing
        found = await case.standing.find(key)
        assert (found.standing if found else {}) == {}
        assert await control.effects(key) == 0

    async def test_a_pending_call_stands_when_it_is_answered(
        self, case: Case, control: Control, key: str
    ) -> None:
        await control.fail("pending")
        document = case.tell(case.goal)

        assert isinstance(await case.standing.make_stand(key, document), Pending)
        found = await case.standing.find(key)
        assert (found.standing if found else {}) == {}
        assert await control.effects(key) == 0

        await control.settle(key)

        found = await case.standing.find(key)
        assert found
        assert found.standing == case.goal
        assert await control.effects(key) == 1

    async def test_a_pending_call_may_be_refused(
        self, case: Case, control: Control, key: str
    ) -> None:
        await control.fail("pending")
        await case.standing.make_stand(key, case.tell(case.goal))

        await control.settle(key, refused=case.refused)

        found = await case.standing.find(key)
        assert (found.standing if found else {}) == {}
        assert await control.effects(key) == 0

    async def test_a_pending_call_that_is_taken_back_is_never_carried_out(
        self, case: Case, control: Control, key: str
    ) -> None:
        if not case.takes_back:
            pytest.skip("nobody asks for the undo of what cannot be undone")
        await control.fail("pending")
        await case.standing.make_stand(key, case.tell(case.goal))
        assert isinstance(await case.standing.make_stand(key, case.tell(case.goal)), Pending)

        withdrawn = await case.standing.make_stand(key, case.tell({}))

        assert isinstance(withdrawn, Done)
        assert withdrawn.standing == {}
        assert not await control.waits(key)
        assert await control.effects(key) == 0

    async def _make(self, case: Case, key: str) -> object:
        return await case.standing.make_stand(key, case.tell(case.goal))
