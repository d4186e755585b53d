"""Log densities and gradients of posteriordb's models beside Stan's.

    gradients.py ask BINARY POSTERIORDB OUT         our values at five points of every model
    gradients.py stan OUT [MODEL..]                 Stan's at the same points (PyStan 3.10.0 = Stan 2.35.0, whose
                                                    free simplex is the one of Stan's manual), one model at a time
    gradients.py compare OUT                        differences; writes docs/benchmarks/bayes-gradients.csv

BINARY is `cargo build --release -p bayes-engine --example gradients`, POSTERIORDB a checkout; OUT a directory
that keeps what was computed, so that a run can be broken off. Log densities are compared as differences from the
first point: Stan drops constants.
"""
import json
import pathlib
import subprocess
import sys
import zipfile


def models(root):
    """Each model with the smallest data set that belongs to it."""
    chosen = {}
    for path in sorted((root / "posteriors").glob("*.json")):
        posterior = json.loads(path.read_text())
        data = root / "data/data" / f"{posterior['data_name']}.json.zip"
        if data.exists():
            size = data.stat().st_size
            name = posterior["model_name"]
            if name not in chosen or size < chosen[name][0]:
                chosen[name] = (size, data)
    return {name: data for name, (_, data) in sorted(chosen.items())}


def ask(binary, root, out):
    out.mkdir(parents=True, exist_ok=True)
    root = root / "posterior_database"
    for name, packed in models(root).items():
        with zipfile.ZipFile(packed) as archive:
            data = archive.read(archive.namelist()[0])
        (out / f"{name}.data.json").write_bytes(data)
        text = (root / f"models/stan/{name}.stan").read_text()
        (out / f"{name}.stan").write_text(text)
        try:
            said = subprocess.run(
                [binary, out / f"{name}.stan", out / f"{name}.data.json"],
                capture_output=True, text=True, timeout=170,
            )
            said = json.loads(said.stdout) if said.returncode == 0 else {"code": "crash", "message": said.stderr[-300:]}
        except subprocess.TimeoutExpired:
            said = {"code": "timeout", "message": "170 s"}
        (out / f"{name}.ours.json").write_text(json.dumps(said))
        print(name, said.get("dim"), said.get("code", ""), said.get("message", "")[:120], flush=True)


def of_stan(out, names):
    if names:
        one_of_stan(out, names[0])
        return
    for path in sorted(out.glob("*.ours.json"), key=lambda path: path.stat().st_size):
        name = path.name.removesuffix(".ours.json")
        if "found" in json.loads(path.read_text()) and not (out / f"{name}.stan.json").exists():
            # a process for each: a model that crashes ends itself alone
            subprocess.run([sys.executable, __file__, "stan", out, name], timeout=900, check=False)


def one_of_stan(out, name):
    import asyncio

    import httpstan.models

    ours = json.loads((out / f"{name}.ours.json").read_text())
    text = (out / f"{name}.stan").read_text()
    data = json.loads((out / f"{name}.data.json").read_text())
    model = httpstan.models.calculate_model_name(text)
    try:
        module = httpstan.models.import_services_extension_module(model)
    except KeyError:
        # values do not depend on optimisation, and it is most of the time
        options = ["-O0", "-std=c++14", "-Wno-sign-compare"]
        asyncio.run(httpstan.models.build_services_extension_module(text, options))
        module = httpstan.models.import_services_extension_module(model)
    found = []
    for one in ours["found"]:
        try:
            value = module.log_prob(data, one["point"], True)
            gradient = list(module.log_prob_grad(data, one["point"], True))
            found.append({"value": value, "gradient": gradient})
        except Exception as error:  # noqa: BLE001
            found.append({"error": str(error)[:200]})
    (out / f"{name}.stan.json").write_text(json.dumps(found))
    print(name, "kept", flush=True)


def compare(out):
    rows = []
    for path in sorted(out.glob("*.ours.json")):
        name = path.name.removesuffix(".ours.json")
        ours = json.loads(path.read_text())
        kept = out / f"{name}.stan.json"
        if "found" not in ours:
            rows.append((name, "", "", "", ours["code"], ours.get("message", "")[:100]))
            continue
        if not kept.exists():
            rows.append((name, ours["dim"], "", "", "not asked of Stan", ""))
            continue
        stan = json.loads(kept.read_text())
        first, worst, far, points, verdict = None, 0.0, 0.0, 0, ""
        for one, other in zip(ours["found"], stan):
            if one["value"] is None and "error" in other:
                continue
            if one["value"] is None or "error" in other:
                verdict = f"one has no value: {other.get('error', 'ours')}"
                continue
            points += 1
            first = first or (one["value"], other["value"])
            change, expected = one["value"] - first[0], other["value"] - first[1]
            far = max(far, abs(change - expected) / (1 + abs(other["value"])))
            size = max(map(abs, other["gradient"]), default=0)
            for slope, wanted in zip(one["gradient"], other["gradient"]):
                # relative to the slope, but for those lost beside the largest
                worst = max(worst, abs(slope - wanted) / max(abs(wanted), 1e-4 * size, 1e-300))
        met = points > 0 and worst < 1e-8 and far < 1e-8 and not verdict
        rows.append((name, ours["dim"], f"{worst:.1e}", f"{far:.1e}", "equal" if met else "differs", verdict))
    lines = ["model,dimension,gradient,log_density,verdict,note"]
    lines += [",".join(f'"{cell}"' if "," in str(cell) else str(cell) for cell in row) for row in rows]
    target = pathlib.Path(__file__).parents[2] / "docs/benchmarks/bayes-gradients.csv"
    target.write_text("\n".join(lines) + "\n")
    for verdict in sorted({row[4] for row in rows}):
        print(verdict, sum(row[4] == verdict for row in rows))


if __name__ == "__main__":
    mode, *rest = sys.argv[1:]
    if mode == "ask":
        ask(pathlib.Path(rest[0]).absolute(), pathlib.Path(rest[1]), pathlib.Path(rest[2]))
    elif mode == "stan":
        of_stan(pathlib.Path(rest[0]), rest[1:])
    else:
        compare(pathlib.Path(rest[0]))
