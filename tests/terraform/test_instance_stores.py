"""Which instance types encrypt their own disks, by the module async_endpoint and by EC2, for each that can host."""

import gzip
import json
import re
from importlib.resources import files

import boto3
import hcl2

from tests.terraform.conftest import ROOT

# Types that EC2's answer, as moto keeps it, does not have.
# https://docs.aws.amazon.com/ec2/latest/instancetypes/ac.html
OTHERS = {"dl1": True, "p2": False, "p3": False, "p6e-gb200": True}


def has_instance_store(instance_type: str) -> bool:
    """What the module says, by its own expression."""
    with (ROOT / "modules/async_endpoint/main.tf").open(encoding="utf-8") as stream:
        document = hcl2.load(stream)
    [expression] = [block["has_instance_store"] for block in document["locals"] if "has_instance_store" in block]
    found = re.search(r'regex\("(.+?)", var\.instance_type\)', expression)
    assert found, expression
    return re.search(found[1].replace("\\\\", "\\"), instance_type) is not None


def test_every_type_that_can_host_is_known_to_have_a_disk_of_its_own_or_none() -> None:
    answer = json.loads(gzip.decompress((files("moto") / "ec2/resources/instance_types.json.gz").read_bytes()))
    model = boto3.client("sagemaker", region_name="us-east-1").meta.service_model
    types = [name.removeprefix("ml.") for name in model.shape_for("ProductionVariantInstanceType").enum]
    expected = {
        name: answer[name]["InstanceStorageSupported"] if name in answer else OTHERS[name.split(".")[0]]
        for name in types
    }
    assert {name: has_instance_store(f"ml.{name}") for name in types} == expected
    families = {True: {"m5d", "g4dn", "g5", "g6e", "p4de", "p5en", "trn1n"}, False: {"m5", "c5", "inf2", "r5"}}
    for has, some in families.items():
        assert some <= {name.split(".")[0] for name, known in expected.items() if known is has}
