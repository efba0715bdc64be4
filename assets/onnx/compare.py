"""Checks ONNX files and runs them with onnxruntime; prints, as JSON, what it finds.

    python compare.py FOLDER

FOLDER has for each NAME.onnx the images NAME.pixels (bytes, [n, height, width, channels]) and the predictions NAME.predictions (float32,
[n, outputs]) that are expected. For each, `difference` is the largest difference, with all images in one batch and with one alone."""
import json, pathlib, sys

import numpy as np
import onnx
import onnxruntime

found = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [images], [output] = session.get_inputs(), session.get_outputs()
    pixels = np.fromfile(path.with_suffix(".pixels"), np.uint8).astype(np.float32).reshape(-1, *images.shape[1:])
    expected = np.fromfile(path.with_suffix(".predictions"), np.float32).reshape(len(pixels), -1)
    difference = 0.0
    for some in (slice(None), slice(1)):
        [predicted] = session.run(None, {images.name: pixels[some]})
        assert predicted.shape == expected[some].shape, (path, predicted.shape)
        difference = max(difference, float(np.abs(predicted - expected[some]).max()))
    found[path.stem] = {
        "difference": difference,
        "images": len(pixels),
        "input": [images.name, images.type, images.shape],
        "output": [output.name, output.type, output.shape],
        "opset": model.opset_import[0].version,
        "ir": model.ir_version,
        "nodes": [node.name for node in model.graph.node],
        "operators": sorted({node.op_type for node in model.graph.node}),
        "metadata": session.get_modelmeta().custom_metadata_map,
    }
print(json.dumps(found))
