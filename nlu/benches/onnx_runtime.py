"""The same encoder in ONNX Runtime and in Bellhop, timed one after the other in one run.

    cargo build --release -p bellhop-nlu --example encode_speed
    python3 nlu/benches/onnx_runtime.py --model MODEL_FOLDER --texts banking77/train.csv \\
        --bellhop target/release/examples/encode_speed

It needs the packages numpy, onnx, onnxruntime, safetensors and tokenizers. The graph is built from the
model's own safetensors; its int8 form is ONNX Runtime's dynamic quantisation with a scale a channel.
"""
import argparse
import csv
import json
import os
import platform
import subprocess
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

def graph(folder, path):
    c = json.loads((folder / "config.json").read_text())
    w = load_file(folder / "model.safetensors")
    H, A, L, eps = c["hidden_size"], c["num_attention_heads"], c["num_hidden_layers"], c["layer_norm_eps"]
    nodes, inits = [], []
    def const(name, a):
        inits.append(numpy_helper.from_array(np.ascontiguousarray(a), name)); return name
    def op(kind, ins, out, **kw):
        nodes.append(h.make_node(kind, ins, [out], name=out, **kw)); return out
    def linear(x, name, out):
        m = op("MatMul", [x, const(name + ".w", w[name + ".weight"].T)], out + ".mm")
        return op("Add", [m, const(name + ".b", w[name + ".bias"])], out)
    def norm(x, name, out):
        return op("LayerNormalization", [x, const(name + ".g", w[name + ".weight"]), const(name + ".b", w[name + ".bias"])], out, axis=-1, epsilon=max(eps, 1e-12))
    e = "embeddings."
    word = op("Gather", [const("words", w[e + "word_embeddings.weight"]), "ids"], "word")
    place = (w[e + "position_embeddings.weight"] + w[e + "token_type_embeddings.weight"][0])[:128]
    shape = op("Shape", ["ids"], "shape")
    n = op("Gather", [shape, const("one", np.array([1]))], "n")
    zero = const("zero", np.array([0]))
    pos = op("Slice", [const("place", place), zero, n, zero], "pos")
    x = norm(op("Add", [word, pos], "emb"), e + "LayerNorm", "x0")
    fmask = op("Cast", ["mask"], "fmask", to=T.FLOAT)
    m4 = op("Unsqueeze", [fmask, const("ax12", np.array([1, 2]))], "m4")
    add = op("Mul", [op("Sub", [m4, const("onef", np.array(1, np.float32))], "m4m"), const("big", np.array(1e4, np.float32))], "bias")
    heads = const("heads", np.array([0, 0, A, H // A])); flat = const("flat", np.array([0, 0, H]))
    scale = const("scale", np.array(1 / np.sqrt(H // A), np.float32))
    for i in range(L):
        p = f"encoder.layer.{i}."
        def head(part, perm):
            y = linear(x, p + "attention.self." + part, f"{i}.{part}")
            return op("Transpose", [op("Reshape", [y, heads], f"{i}.{part}.r")], f"{i}.{part}.t", perm=perm)
        q, k, v = head("query", [0, 2, 1, 3]), head("key", [0, 2, 3, 1]), head("value", [0, 2, 1, 3])
        s = op("Add", [op("Mul", [op("MatMul", [q, k], f"{i}.qk"), scale], f"{i}.qks"), add], f"{i}.s")
        a = op("MatMul", [op("Softmax", [s], f"{i}.p", axis=-1), v], f"{i}.pv")
        a = op("Reshape", [op("Transpose", [a], f"{i}.pvt", perm=[0, 2, 1, 3]), flat], f"{i}.a")
        y = op("Add", [linear(a, p + "attention.output.dense", f"{i}.o"), x], f"{i}.res1")
        x = norm(y, p + "attention.output.LayerNorm", f"{i}.n1")
        u = op("Gelu", [linear(x, p + "intermediate.dense", f"{i}.u")], f"{i}.g")
        y = op("Add", [linear(u, p + "output.dense", f"{i}.d"), x], f"{i}.res2")
        x = norm(y, p + "output.LayerNorm", f"{i}.n2")
    m3 = op("Unsqueeze", [fmask, const("ax2", np.array([2]))], "m3")
    tot = op("ReduceSum", [op("Mul", [x, m3], "masked"), const("ax1", np.array([1]))], "tot", keepdims=0)
    op("LpNormalization", [tot], "vector", axis=-1, p=2)
    ins = [h.make_tensor_value_info(n, T.INT64, ["b", "n"]) for n in ("ids", "mask")]
    g = h.make_graph(nodes, "encoder", ins, [h.make_tensor_value_info("vector", T.FLOAT, ["b", H])], inits)
    onnx.save(h.make_model(g, opset_imports=[h.make_opsetid("", 20)], ir_version=9), path)

def session(path, threads):
    o = ort.SessionOptions(); o.intra_op_num_threads = threads; o.inter_op_num_threads = 1
    return ort.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])

def run(s, toks):
    n = max(map(len, toks))
    ids = np.zeros((len(toks), n), np.int64); mask = np.zeros_like(ids)
    for i, t in enumerate(toks): ids[i, :len(t)] = t; mask[i, :len(t)] = 1
    return s.run(None, {"ids": ids, "mask": mask})[0]

def bench(s, tok, texts, rounds):
    times = []
    for r in range(rounds + 1):
        for t in texts:
            a = time.perf_counter(); run(s, [tok.encode(t).ids]); b = time.perf_counter() - a
            if r: times.append(b)
    rates = []
    for r in range(rounds + 1):
        a = time.perf_counter()
        for i in range(0, len(texts), 32): run(s, [e.ids for e in tok.encode_batch(texts[i:i+32])])
        rates.append(len(texts) / (time.perf_counter() - a))
    return np.percentile(times, [50, 95]) * 1e3, max(rates)

def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--texts", type=Path, required=True)
    p.add_argument("--bellhop")
    a = p.parse_args()
    tok = Tokenizer.from_file(str(a.model / "tokenizer.json"))
    tok.no_padding()
    tok.enable_truncation(128)
    with a.texts.open() as f:
        texts = [r["text"] for r in csv.DictReader(f)]
    texts = texts[::max(1, len(texts) // 200)][:200]
    tokens = np.mean([len(tok.encode(t).ids) for t in texts])
    print(f"{platform.machine()}, load {os.getloadavg()[0]:.1f}, {len(texts)} texts, {tokens:.1f} tokens on average")
    with tempfile.TemporaryDirectory() as d:
        fp32, int8 = Path(d) / "fp32.onnx", Path(d) / "int8.onnx"
        graph(a.model, fp32)
        quantize_dynamic(str(fp32), str(int8), per_channel=True, weight_type=QuantType.QInt8)
        v = {}
        for path in (fp32, int8):
            for threads in (1, 2):
                s = session(path, threads)
                (p50, p95), rate = bench(s, tok, texts, 3)
                print(f"ONNX Runtime {ort.__version__} {path.stem}, {threads} threads: p50 {p50:.2f} ms, "
                      f"p95 {p95:.2f}; {rate:.0f} texts a second in batches of 32", flush=True)
            v[path.stem] = np.concatenate([run(s, [tok.encode(t).ids]) for t in texts])
        print(f"mean cosine of the two: {(v['fp32'] * v['int8']).sum(1).mean():.5f}", flush=True)
    if a.bellhop:
        subprocess.run([a.bellhop, a.model, a.texts], check=True)


if __name__ == "__main__":
    main()
