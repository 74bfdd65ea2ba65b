#!/usr/bin/env python3
"""The same encoder in ONNX Runtime, for `bellhop nlu bench --against nlu/benches/onnx_runtime.py`.

It needs the packages numpy, onnx, onnxruntime, safetensors and tokenizers. The graph is built from the
model's own safetensors; its int8 form is ONNX Runtime's dynamic quantisation with a scale a channel.

A line of JSON on standard input asks, a line on standard output answers. First it tells what it offers:
{"engine": "ONNX Runtime 1.32", "precisions": ["fp32", "int8"]}. Then, for {"precision": "int8",
"threads": 1, "batch": 32, "texts": [...], "vectors": false}, it answers {"ms": [...], "vectors": []}: the
milliseconds of each batch, tokenising included, and the vectors where they were asked for.
"""
import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tokenizers import Tokenizer


class Graph:
    """Nodes and constants of a graph in the making."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], []

    def const(self, name, array):
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind, inputs, output, **attributes):
        self.nodes.append(h.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def linear(self, x, name, output):
        weight = self.const(name + ".w", self.weights[name + ".weight"].T)
        product = self.op("MatMul", [x, weight], output + ".mm")
        return self.op("Add", [product, self.const(name + ".b", self.weights[name + ".bias"])], output)

    def norm(self, x, name, output, epsilon):
        gain = self.const(name + ".g", self.weights[name + ".weight"])
        shift = self.const(name + ".b", self.weights[name + ".bias"])
        return self.op("LayerNormalization", [x, gain, shift], output, axis=-1, epsilon=epsilon)


def encoder(folder, path):
    """Writes the model in `folder`, with mean pooling, as a graph to `path`."""
    c = json.loads((folder / "config.json").read_text())
    width, heads, epsilon = c["hidden_size"], c["num_attention_heads"], max(c["layer_norm_eps"], 1e-12)
    g = Graph(load_file(folder / "model.safetensors"))
    e = "embeddings."
    word = g.op("Gather", [g.const("words", g.weights[e + "word_embeddings.weight"]), "ids"], "word")
    places = g.weights[e + "position_embeddings.weight"] + g.weights[e + "token_type_embeddings.weight"][0]
    shape = g.op("Shape", ["ids"], "shape")
    tokens = g.op("Gather", [shape, g.const("one", np.array([1]))], "n")
    zero = g.const("zero", np.array([0]))
    place = g.op("Slice", [g.const("places", places[:128]), zero, tokens, zero], "place")
    x = g.norm(g.op("Add", [word, place], "embedded"), e + "LayerNorm", "x", epsilon)
    mask = g.op("Cast", ["mask"], "float_mask", to=T.FLOAT)
    wide = g.op("Unsqueeze", [mask, g.const("axes12", np.array([1, 2]))], "wide_mask")
    less = g.op("Sub", [wide, g.const("one_f", np.array(1, np.float32))], "mask_less")
    bias = g.op("Mul", [less, g.const("big", np.array(1e4, np.float32))], "bias")
    split = g.const("split", np.array([0, 0, heads, width // heads]))
    flat = g.const("flat", np.array([0, 0, width]))
    scale = g.const("scale", np.array(1 / np.sqrt(width // heads), np.float32))
    for i in range(c["num_hidden_layers"]):
        p, n = f"encoder.layer.{i}.", f"{i}."

        def head(part, order):
            y = g.linear(x, p + "attention.self." + part, n + part)
            return g.op("Transpose", [g.op("Reshape", [y, split], n + part + ".r")], n + part + ".t", perm=order)

        q, k, v = head("query", [0, 2, 1, 3]), head("key", [0, 2, 3, 1]), head("value", [0, 2, 1, 3])
        scores = g.op("Mul", [g.op("MatMul", [q, k], n + "qk"), scale], n + "scaled")
        shares = g.op("Softmax", [g.op("Add", [scores, bias], n + "s")], n + "p", axis=-1)
        context = g.op("Transpose", [g.op("MatMul", [shares, v], n + "pv")], n + "pv.t", perm=[0, 2, 1, 3])
        context = g.op("Reshape", [context, flat], n + "context")
        y = g.op("Add", [g.linear(context, p + "attention.output.dense", n + "o"), x], n + "sum1")
        x = g.norm(y, p + "attention.output.LayerNorm", n + "n1", epsilon)
        inner = g.op("Gelu", [g.linear(x, p + "intermediate.dense", n + "up")], n + "gelu")
        y = g.op("Add", [g.linear(inner, p + "output.dense", n + "down"), x], n + "sum2")
        x = g.norm(y, p + "output.LayerNorm", n + "n2", epsilon)
    tall = g.op("Unsqueeze", [mask, g.const("axis2", np.array([2]))], "tall_mask")
    total = g.op("ReduceSum", [g.op("Mul", [x, tall], "masked"), g.const("axis1", np.array([1]))], "total", keepdims=0)
    g.op("LpNormalization", [total], "vector", axis=-1, p=2)
    inputs = [h.make_tensor_value_info(name, T.INT64, ["b", "n"]) for name in ("ids", "mask")]
    output = h.make_tensor_value_info("vector", T.FLOAT, ["b", width])
    graph = h.make_graph(g.nodes, "encoder", inputs, [output], g.constants)
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 20)], ir_version=9), path)


def session(path, threads):
    o = ort.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])


def encode(session, tokenizer, texts):
    tokens = [e.ids for e in tokenizer.encode_batch(texts)]
    ids = np.zeros((len(tokens), max(map(len, tokens))), np.int64)
    mask = np.zeros_like(ids)
    for i, t in enumerate(tokens):
        ids[i, : len(t)], mask[i, : len(t)] = t, 1
    return session.run(None, {"ids": ids, "mask": mask})[0]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=Path, required=True, help="folder with the model's files")
    folder = p.parse_args().model
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(128)
    sessions = {}
    with tempfile.TemporaryDirectory() as d:
        paths = {"fp32": Path(d) / "fp32.onnx", "int8": Path(d) / "int8.onnx"}
        encoder(folder, paths["fp32"])
        quantize_dynamic(str(paths["fp32"]), str(paths["int8"]), per_channel=True, weight_type=QuantType.QInt8)
        print(json.dumps({"engine": f"ONNX Runtime {ort.__version__}", "precisions": list(paths)}), flush=True)
        for line in sys.stdin:
            ask = json.loads(line)
            key = ask["precision"], ask["threads"]
            if key not in sessions:
                sessions[key] = session(paths[key[0]], key[1])
            ms, vectors = [], []
            for i in range(0, len(ask["texts"]), ask["batch"]):
                batch = ask["texts"][i : i + ask["batch"]]
                start = time.perf_counter()
                found = encode(sessions[key], tokenizer, batch)
                ms.append((time.perf_counter() - start) * 1e3)
                if ask["vectors"]:
                    vectors += found.tolist()
            print(json.dumps({"ms": ms, "vectors": vectors}), flush=True)


if __name__ == "__main__":
    main()
