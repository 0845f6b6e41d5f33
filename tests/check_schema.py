#!/usr/bin/env python3
"""check_schema.py FILE...: saved programs against docs/format.schema.json, and the bad ones of tests/bad_json whose
fault is one of shape: each that the schema can know must be refused by it too."""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("schema: python3-jsonschema is not installed, nothing was checked")
    sys.exit(0)

# Faults that a schema cannot state: they lie in the text, in other parts of the file, in the records, or in sizes.
BEYOND = {
    "array_bool", "array_f32_nan", "array_f32_range", "array_huge", "array_list", "array_overflow",
    "array_real_in_i64", "array_too_long", "array_too_short", "attr_missing", "attr_not_wanted", "attribute_kind",
    "attribute_list_number", "attribute_missing", "attribute_real_for_integer", "attribute_unknown", "axes_many",
    "axes_range", "axes_word", "dtype_number", "dtype_unknown", "dtypes_do_not_fit", "duplicate_attribute",
    "duplicate_entry", "duplicate_member", "entry_huge", "entry_missing", "entry_other_dtype", "entry_overflow",
    "entry_shape", "entry_size", "extent_negative", "extents_overflow", "forward_reference", "infinity_token",
    "integer_too_big", "leaf_no_name", "leaf_twice", "leaf_twice_other_type", "leaf_with_operand",
    "lone_surrogate", "matmul_attribute", "matmul_extents", "matmul_operand", "name_number", "nan_token", "no_operands", "number_bad_nan", "number_list", "number_too_big",
    "number_word", "op_long", "op_odd_characters", "op_wrong_case", "operand_far", "operand_real", "output_absent",
    "rank_9", "self_reference", "shape_text", "shapes_do_not_fit", "shapes_do_not_fit_axis", "store_seed_big",
    "string_with_zero", "too_few_operands", "too_many_operands", "unknown_op", "update_absent", "update_dtype",
    "update_shape", "update_unknown_entry", "version_real", "weights_absent", "weights_size",
}

root = pathlib.Path(__file__).resolve().parent
schema = json.loads((root.parent / "docs" / "format.schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failures = 0

for name in sys.argv[1:]:
    for error in validator.iter_errors(json.loads(pathlib.Path(name).read_text())):
        print(f"{name}: {error.json_path}: {error.message[:200]}")
        failures += 1

refused = beyond = 0
for folder in sorted((root / "bad_json").iterdir()):
    try:
        value = json.loads((folder / "input").read_text())
    except (ValueError, UnicodeDecodeError, RecursionError):
        continue
    if not validator.is_valid(value):
        refused += 1
    elif folder.name in BEYOND:
        beyond += 1
    else:
        print(f"{folder.name}: the schema accepts it")
        failures += 1

print(f"schema: {len(sys.argv) - 1} programs valid, {refused} bad ones refused, {beyond} beyond a schema" if not failures
      else f"schema: {failures} faults")
sys.exit(failures > 0)
