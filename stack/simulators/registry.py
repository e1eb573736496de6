"""Which vendor stands behind which system of the sample company."""

from stack.simulators.northwind import Northwind
from stack.simulators.stockyard import Stockyard
from stack.simulators.vendor import Vendor

VENDORS: dict[str, type[Vendor]] = {
    "erp": Northwind,
    "wms-east": Stockyard,
    "wms-west": Stockyard,
}
