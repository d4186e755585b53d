"""Log densities and gradients of posteriordb's models beside Stan's.

    gradients.py ask BINARY POSTERIORDB OUT         our values at five points of every model
    gradients.py stan OUT [COUNT]                   Stan's at the same points, of the next COUNT models (8): by the
                                                    compiler and headers of PyStan 3.10.0 (Stan 2.35.0, whose free
                                                    simplex is the one of Stan's manual); run by its Python, again
                                                    until it says that all are kept
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


DRIVER = """
#include <stan/model/model_header.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/model/log_prob_grad.hpp>
#include <fstream>
#include <iomanip>
"""

ASK = r"""
template <class M>
void ask(const std::string& base) {
  std::ofstream out(base + ".stan.json");
  out << std::setprecision(17) << "[";
  try {
    std::ifstream data(base + ".data.json"), points(base + ".points");
    stan::json::json_data context(data);
    M model(context, 1, &std::cerr);
    size_t count, dim;
    points >> count >> dim;
    for (size_t at = 0; at < count; ++at) {
      std::vector<double> x(dim), slopes;
      std::vector<int> none;
      for (auto& one : x) points >> one;
      out << (at ? ", " : "");
      if (model.num_params_r() != dim) {
        out << "{\"error\": \"Stan has " << model.num_params_r() << " parameters\"}";
        continue;
      }
      try {
        double value = stan::model::log_prob_grad<true, true>(model, x, none, slopes, nullptr);
        if (!std::isfinite(value)) throw std::domain_error("not finite");
        out << "{\"value\": " << value << ", \"gradient\": [";
        for (size_t i = 0; i < dim; ++i) out << (i ? ", " : "") << (std::isfinite(slopes[i]) ? slopes[i] : 1e300);
        out << "]}";
      } catch (const std::exception& error) {
        out << "{\"error\": \"no value\"}";
      }
    }
  } catch (const std::exception& error) {
    std::string said(error.what());
    for (auto& letter : said) if (letter == '"' || letter == '\\' || letter < ' ') letter = ' ';
    out << "{\"error\": \"" << said.substr(0, 200) << "\"}";
  }
  out << "]";
  std::cout << base << std::endl;
}
"""


def of_stan(out, batch):
    """Stan's own values: its compiler and headers as PyStan has them, several models in one program."""
    import importlib.resources

    root = pathlib.Path(str(importlib.resources.files("httpstan")))
    flags = ["-O0", "-std=c++14", "-w", "-DBOOST_DISABLE_ASSERTS", "-DBOOST_PHOENIX_NO_VARIADIC_EXPRESSION",
             "-DSTAN_THREADS", "-D_REENTRANT", "-D_GLIBCXX_USE_CXX11_ABI=0", f"-I{root / 'include'}"]
    wanted = []
    for path in sorted(out.glob("*.ours.json"), key=lambda path: path.stat().st_size):
        name = path.name.removesuffix(".ours.json")
        ours = json.loads(path.read_text())
        if "found" not in ours or (out / f"{name}.stan.json").exists():
            continue
        points = [one["point"] for one in ours["found"]]
        numbers = "\n".join(" ".join(map(repr, point)) for point in points)
        (out / f"{name}.points").write_text(f"{len(points)} {ours['dim']}\n{numbers}\n")
        said = subprocess.run(
            [root / "stanc", "--name", f"m_{name}", "--print-cpp", out / f"{name}.stan"],
            capture_output=True, text=True,
        )
        if said.returncode:
            (out / f"{name}.stan.json").write_text(json.dumps([{"error": said.stderr[-200:]}]))
            continue
        wanted.append((name, said.stdout.split("using stan_model")[0]))
        if len(wanted) == batch:
            break
    if not wanted:
        print("all are kept")
        return
    calls = [f'  ask<m_{name}_namespace::m_{name}>("{out / name}");' for name, _ in wanted]
    # the headers, which are most of the time, once for all of these models
    text = DRIVER + ASK + "\n".join(code for _, code in wanted)
    (out / "batch.cpp").write_text(text + "\nint main() {\n" + "\n".join(calls) + "\n}\n")
    libraries = ["-lsundials_cvodes", "-lsundials_idas", "-lsundials_nvecserial", "-l:libtbb.so.2"]
    subprocess.run(["g++", *flags, out / "batch.cpp", "-o", out / "batch", f"-L{root / 'lib'}",
                    f"-Wl,-rpath,{root / 'lib'}", *libraries], check=True)
    subprocess.run([out / "batch"], check=False, timeout=170)


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
        of_stan(pathlib.Path(rest[0]).absolute(), int(rest[1]) if len(rest) > 1 else 8)
    else:
        compare(pathlib.Path(rest[0]))
