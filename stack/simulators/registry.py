"""Which vendor stands behind which system of the sample company."""

from stack.simulators.avatax import AvaTax
from stack.simulators.easypost import EasyPost
from stack.simulators.northwind import Northwind
from stack.simulators.stockyard import Stockyard
from stack.simulators.stripe import Stripe
from stack.simulators.vendor import Vendor

VENDORS: dict[str, type[Vendor]] = {
    "erp": Northwind,
    "wms-east": Stockyard,
    "wms-west": Stockyard,
    "tms-1": EasyPost,
    "tms-2": EasyPost,
    "tax": AvaTax,
    "payment": Stripe,
}
