"""What becomes of an order, on real servers."""

from tests.workflows.world import EAST, WEST, World


async def play(world: World) -> None:
    await world.place()
    await world.reaches("released")
    await world.ship(EAST)
    await world.reaches("partially_shipped")
    await world.ship(WEST)
    await world.ends("closed")


async def test_an_order_ships_and_is_invoiced(running: World) -> None:
    await play(running)

    assert await running.book() == [
        ("erp", f"confirm/{running.order}-shipped-EAST/1", {"1": "5"}),
        ("erp", f"confirm/{running.order}-shipped-WEST/1", {"2": "3"}),
        ("erp", "erp//1", {"1": "5", "2": "3"}),
        ("erp", f"invoice/{running.order}-shipped-EAST/1", {"1": "5"}),
        ("erp", f"invoice/{running.order}-shipped-WEST/1", {"2": "3"}),
        ("tax", f"tax/{running.order}-shipped-EAST/1", {"1": "5"}),
        ("tax", f"tax/{running.order}-shipped-WEST/1", {"2": "3"}),
        ("tms-1", "book/EAST/1", {"1": "5"}),
        ("tms-1", "book/WEST/1", {"2": "3"}),
        ("wms-east", "release/EAST/1", {"1": "5"}),
        ("wms-west", "release/WEST/1", {"2": "3"}),
    ]
    assert await running.stock() == {"BOLT": (95, 0), "NUT": (97, 0)}
    assert await running.credit() == (0, 86)
    assert await running.unapplied() == 0
