import json
from pathlib import Path

import pytest
from room_detection.errors import ConfigError
from room_detection.settings import RANGES, Settings, load_settings

from tests.workloads.handler import model_dir


def written(folder: Path, text: str) -> Path:
    (folder / "config.json").write_text(text)
    return folder


def test_the_shipped_configuration_holds_every_field_with_its_default() -> None:
    assert load_settings(model_dir()) == Settings()
    assert set(json.loads((model_dir() / "config.json").read_text())) == set(RANGES)


def test_fields_that_are_not_given_keep_their_defaults(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, '{"min_area": 5}')) == Settings(min_area=5)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"min_area": -1}', "min_area is -1; allowed is a number from 0 to"),
        ('{"min_area": "1000"}', 'min_area is "1000"; allowed is a number'),
        ('{"min_area": true}', "min_area is true; allowed is a number"),
        ('{"max_area": null}', "max_area is null; allowed is a number"),
        ('{"epsilon_factor": 0.5}', "epsilon_factor is 0.5; allowed is a number from 0 to 0.1"),
        ('{"max_image_pixels": 1e6}', "max_image_pixels is 1000000.0; allowed is a whole number"),
        ('{"max_image_pixels": 100000000}', "allowed is a whole number from 10,000 to 89,000,000"),
        ('{"minimum_area": 3}', "minimum_area is unknown; allowed are min_area, max_area"),
        ('{"min_area": 3, "min_area": 4}', "min_area is given twice"),
        ('{"min_area": NaN}', "NaN is no number"),
        ('{"min_area": 2000000}', "min_area is 2000000; allowed is less than max_area (1000000)"),
        ("[1]", "is [1]; allowed is an object"),
        ("{", "is no JSON"),
        ("\udcff".encode("utf-8", "surrogatepass").decode("latin-1"), "is no JSON"),
    ],
)
def test_a_wrong_configuration_is_refused_naming_file_field_value_and_what_is_allowed(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, text))
    assert complaint in str(caught.value)
    assert str(tmp_path / "config.json") in str(caught.value)


def test_a_missing_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.json: is missing"):
        load_settings(tmp_path)
