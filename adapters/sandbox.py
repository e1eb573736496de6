"""Where workflows run: Temporal's sandbox, without what it spends on things we do not use."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info


class Sandbox(SandboxedWorkflowRunner):
    """Says what payloads are for without asking the workflow.

    The SDK asks it for each payload, whether the converter wants to know or not, and each question
    takes a way into the sandbox and out again: a third of a worker's time in all. Our converter
    (`adapters.temporal`) does not want to know, nor is there a codec or a store that does.
    """

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _Unasked(super().create_instance(det))


class _Unasked(WorkflowInstance):
    def __init__(self, instance: WorkflowInstance) -> None:
        self._instance = instance

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        return self._instance.activate(act)

    def get_serialization_context(self, command_info: object) -> None:
        return None

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        return StorageDriverStoreContext(target=None)

    def get_info(self) -> Info:
        return self._instance.get_info()

    def get_thread_id(self) -> int | None:
        return self._instance.get_thread_id()


def keep_code(package: str) -> None:
    """Load the package's modules from memory whenever they are loaded again. To be called once.

    Temporal's sandbox loads them for every run of a workflow. From their files that would take
    twice as long where Python writes no bytecode, and a worker whose files are replaced under it
    would mix two versions in one order.
    """
    kept = {}
    for name, module in list(sys.modules.items()):
        if name == package or name.startswith(f"{package}."):
            loader = module.__spec__.loader if module.__spec__ else None
            if isinstance(loader, SourceFileLoader):
                kept[name] = _Kept(loader)
    sys.meta_path.insert(0, _Finder(kept))


class _Kept(SourceFileLoader):
    def __init__(self, loader: SourceFileLoader) -> None:
        super().__init__(loader.name, str(loader.path))
        self._code = loader.get_code(loader.name)

    def get_code(self, fullname: str) -> CodeType | None:
        return self._code


class _Finder(MetaPathFinder):
    def __init__(self, kept: dict[str, _Kept]) -> None:
        self._kept = kept

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader = self._kept.get(fullname)
        if loader is None:
            return None
        return spec_from_file_location(fullname, loader.path, loader=loader)
