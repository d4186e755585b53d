//! The proof that no text of a caller becomes code: random projects, full of quotes, braces, code
//! and invisible characters, have the same syntax tree as tame ones.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    io::Write,
    process::{Command, Stdio},
};

use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};
use tree_sitter::{Node, Parser};

use crate::{
    literal,
    project::{Project, Tool},
    render::render,
    spec::{Language, ProjectSpec},
};

const CASES: u32 = 1000;
const WORKERS: u8 = 4;

/// Text that ends literals and comments, starts code, or hides.
const HOSTILE: &[&str] = &[
    "\"",
    "'",
    "`",
    "\\",
    "\"\"\"",
    "'''",
    "*/",
    "/*",
    "//",
    "#",
    "\"#",
    "\"##",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "{{ x }}",
    "{% x %}",
    "{#",
    "${x}",
    "{0}",
    "%s",
    "$(x)",
    "${{",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{feff}",
    "\u{2028}",
    "\u{2029}",
    "\u{85}",
    "\u{e0041}",
    "😀",
    "é",
    "日本語",
    "\\u{41}",
    "\\N{DASH}",
    "\"); std::process::exit(1); (\"",
    "\" + __import__('os') + \"",
    "\"\"\"\nimport os\n\"\"\"",
    "*/ process.exit(1); /*",
    "]\n[dependencies]\nevil = \"1\"\n",
    "</script>",
    "<!--",
    "__proto__",
    "constructor",
    "r#\"",
    "b'",
    "f\"{1}\"",
    "\\",
    "...",
    "---",
];

/// Words that languages keep for themselves.
const RESERVED: &[&str] = &[
    "type",
    "self",
    "Self",
    "class",
    "def",
    "None",
    "await",
    "fn",
    "match",
    "import",
    "default",
    "new",
    "serve",
    "call_tool",
    "tool",
    "list",
    "str",
    "json",
    "index",
    "server",
    "async",
    "let",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(HOSTILE).prop_map(str::to_owned),
        1 => any::<String>(),
        2 => "[a-z ]{1,12}",
    ];
    prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat())
}

/// Text that leaves something when it is cleaned.
fn prose() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("x{}", text.chars().take(900).collect::<String>()))
}

fn tool_name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(RESERVED).prop_map(str::to_owned),
        "[A-Za-z][A-Za-z0-9_-]{0,20}",
        "[a-z]{3,9}(_[a-z]{3,9}){8,14}",
    ]
}

fn parameter() -> impl Strategy<Value = Value> {
    let name =
        prop_oneof!["[A-Za-z0-9_.-]{1,12}", prop::sample::select(RESERVED).prop_map(str::to_owned)];
    let kind =
        prop::sample::select(&["string", "integer", "number", "boolean", "array", "object"][..]);
    (name, kind, text(), any::<bool>(), prop::collection::vec(text(), 0..3)).prop_map(
        |(name, kind, description, required, choices)| {
            let short = |text: String| text.chars().take(200).collect::<String>();
            let mut parameter = json!({
                "name": name, "type": kind, "required": required, "description": short(description),
            });
            if kind == "string" {
                let mut choices: Vec<_> = choices.into_iter().map(short).collect();
                choices.sort();
                choices.dedup();
                parameter["enum"] = json!(choices);
            }
            parameter
        },
    )
}

fn property_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(|text| json!({"type": "string", "description": text, "default": text})),
        (text(), any::<i64>()).prop_map(|(text, number)| json!({"const": {text: number}})),
        prop::collection::vec(text(), 1..4).prop_map(|mut all| {
            all.sort();
            all.dedup();
            json!({"enum": all})
        }),
        any::<f64>()
            .prop_filter("finite", |it| it.is_finite())
            .prop_map(|number| json!({"type": "number", "examples": [number]})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            prop::collection::hash_map(text(), inner, 0..3)
                .prop_map(|properties| json!({"type": "object", "properties": properties})),
        ]
    })
}

fn arguments() -> impl Strategy<Value = Value> {
    let parameters = prop::collection::vec(parameter(), 0..5).prop_map(|mut parameters| {
        let mut seen = HashSet::new();
        parameters.retain(|parameter| seen.insert(parameter["name"].to_string()));
        json!({ "parameters": parameters })
    });
    let schema = (
        prop::collection::hash_map(text(), property_schema(), 0..4),
        any::<bool>(),
        text(),
    )
        .prop_map(|(properties, open, title)| {
            let required: Vec<_> = properties.keys().take(2).cloned().collect();
            json!({"input_schema": {
                "type": "object", "title": title, "properties": properties, "required": required,
                "additionalProperties": open, "x-note": [title],
            }})
        });
    prop_oneof![parameters, schema]
}

fn spec() -> impl Strategy<Value = Value> {
    let tool = (tool_name(), prop::option::of(prose()), prose(), arguments()).prop_map(
        |(name, title, description, mut tool)| {
            tool["name"] = json!(name);
            tool["title"] = json!(title.map(|title| title.chars().take(90).collect::<String>()));
            tool["description"] = json!(description);
            tool
        },
    );
    let transports = prop::sample::select(vec![
        json!(["stdio"]),
        json!(["http"]),
        json!(["stdio", "http"]),
        json!(["http", "stdio"]),
    ]);
    (prop::collection::vec(tool, 1..4), prose(), prose(), transports).prop_map(
        |(mut tools, title, description, transports)| {
            let mut seen = HashSet::new();
            tools.retain(|tool| seen.insert(tool["name"].to_string()));
            json!({
                "name": "sample-server", "language": "rust", "transports": transports, "tools": tools,
                "title": title.chars().take(90).collect::<String>(), "description": description,
            })
        },
    )
}

fn project(spec: &Value, language: Language) -> Project {
    let mut spec: ProjectSpec = serde_json::from_value(spec.clone()).expect("a spec");
    spec.language = language;
    Project::from_spec(spec).expect("a project")
}

/// The same project with every text of the caller tamed.
fn tamed(mut project: Project) -> Project {
    project.title = "title".to_owned();
    project.spec.description = "text".to_owned();
    let mut names = HashMap::new();
    for tool in &mut project.tools {
        tame_tool(tool, &mut names);
    }
    project
}

fn tame_tool(tool: &mut Tool, names: &mut HashMap<String, String>) {
    tool.name = format!("t{}", names.len());
    tool.title = "title".to_owned();
    tool.description = "text".to_owned();
    for field in &mut tool.fields {
        // Whether a field is renamed shows in the code by right.
        field.name =
            if field.ident == field.name { field.ident.clone() } else { tame(&field.name, names) };
        field.description.clear();
    }
    let samples = tool.valid.iter_mut().chain(&mut tool.invalid);
    for value in samples.chain([&mut tool.input_schema]) {
        *value = tame_value(value, names);
    }
}

fn tame(text: &str, names: &mut HashMap<String, String>) -> String {
    if text == "__proto__" {
        return text.to_owned(); // written as a computed key by design
    }
    let next = format!("k{}", names.len());
    names.entry(text.to_owned()).or_insert(next).clone()
}

fn tame_value(value: &Value, names: &mut HashMap<String, String>) -> Value {
    match value {
        Value::String(text) => tame(text, names).into(),
        Value::Array(items) => items.iter().map(|item| tame_value(item, names)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (tame(key, names), tame_value(item, names)))
            .collect::<Map<_, _>>()
            .into(),
        scalar => scalar.clone(),
    }
}

/// How many nodes of each kind a file has; none may be an error. Insides of strings and comments
/// are no code.
fn census(parser: &mut Parser, source: &str) -> Result<BTreeMap<&'static str, usize>, String> {
    let tree = parser.parse(source, None).ok_or("no tree")?;
    let mut census = BTreeMap::new();
    count(tree.root_node(), &mut census)?;
    Ok(census)
}

fn count(node: Node<'_>, census: &mut BTreeMap<&'static str, usize>) -> Result<(), String> {
    if node.is_error() || node.is_missing() {
        return Err(format!("syntax error at {}", node.start_position()));
    }
    if node.kind().contains("comment") {
        return Ok(());
    }
    *census.entry(node.kind()).or_default() += 1;
    let is_string = matches!(node.kind(), "string" | "string_literal" | "raw_string_literal");
    let mut cursor = node.walk();
    let inside = node.children(&mut cursor).filter(|_| !is_string);
    let children: Vec<_> = inside.collect();
    children.into_iter().try_for_each(|child| count(child, census))
}

fn parser_of(path: &str) -> Option<Parser> {
    let language = match path.rsplit_once('.')?.1 {
        "rs" => tree_sitter_rust::LANGUAGE,
        "py" => tree_sitter_python::LANGUAGE,
        "ts" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        _ => return None,
    };
    let mut parser = Parser::new();
    parser.set_language(&language.into()).expect("a grammar of this version");
    Some(parser)
}

fn check_file(path: &str, source: &str, tame_source: &str) -> Result<(), TestCaseError> {
    let fail = |reason: String| TestCaseError::fail(format!("{path}: {reason}\n{source}"));
    if let Some(mut parser) = parser_of(path) {
        let wild = census(&mut parser, source).map_err(fail)?;
        let tame = census(&mut parser, tame_source).map_err(fail)?;
        if wild != tame {
            return Err(fail(format!("{wild:?} is not {tame:?}\n{tame_source}")));
        }
    }
    let parsed = match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("rs") => syn::parse_file(source).map(drop).map_err(|error| error.to_string()),
        Some("json") => {
            serde_json::from_str::<Value>(source).map(drop).map_err(|error| error.to_string())
        }
        Some("toml") => toml::from_str::<toml::Value>(source)
            .map_err(|error| error.to_string())
            .and_then(|it| {
                let tables = it.as_table().map(toml::Table::len);
                (tables == Some(3)).then_some(()).ok_or_else(|| format!("{tables:?} tables, not 3"))
            }),
        _ => Ok(()),
    };
    parsed.map_err(fail)
}

/// What the real interpreters read from our literals must be what went in.
#[derive(Default)]
struct Literals {
    python_files: Vec<String>,
    python: Vec<String>,
    typescript: Vec<String>,
    expected: Vec<Value>,
}

#[test]
fn no_text_becomes_code_in_a_thousand_projects() {
    let all = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|seed| scope.spawn(move || cases(seed))).collect();
        let joined = workers.into_iter().map(|worker| worker.join().expect("no injection"));
        joined.fold(Literals::default(), Literals::join)
    });
    interpreters_agree(&all);
}

/// A share of the cases, the same in every run.
fn cases(seed: u8) -> Literals {
    let cases = CASES / u32::from(WORKERS);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let literals = RefCell::new(Literals::default());
    TestRunner::new_with_rng(config, rng)
        .run(&spec(), |spec| {
            Language::ALL.into_iter().try_for_each(|it| check(&spec, it, &literals))
        })
        .unwrap_or_else(|error| panic!("{error}"));
    literals.into_inner()
}

fn check(
    spec: &Value,
    language: Language,
    literals: &RefCell<Literals>,
) -> Result<(), TestCaseError> {
    let wild = project(spec, language);
    collect(&wild, literals);
    let names: HashSet<_> = wild.tools.iter().map(|tool| &tool.name).collect();
    prop_assert_eq!(names.len(), wild.tools.len());
    prop_assert!(wild.tools.iter().all(|tool| tool.name.len() <= 64));
    let files = render(&wild).expect("rendered");
    let tame_files = render(&tamed(wild)).expect("rendered");
    prop_assert!(files.keys().eq(tame_files.keys()));
    for (path, source) in &files {
        check_file(path, source, &tame_files[path])?;
        if path.rsplit_once('.').is_some_and(|(_, extension)| extension == "py") {
            literals.borrow_mut().python_files.push(source.clone());
        }
    }
    Ok(())
}

impl Literals {
    fn join(mut self, other: Self) -> Self {
        self.python_files.extend(other.python_files);
        self.python.extend(other.python);
        self.typescript.extend(other.typescript);
        self.expected.extend(other.expected);
        self
    }
}

fn collect(project: &Project, literals: &RefCell<Literals>) {
    if project.spec.language != Language::Python {
        return;
    }
    let mut literals = literals.borrow_mut();
    for tool in &project.tools {
        literals.python.push(literal::py_data(&tool.input_schema, 0));
        literals.typescript.push(literal::ts_data(&tool.input_schema, 0));
        literals.expected.push(tool.input_schema.clone());
        let text = Value::from(tool.description.clone());
        literals.python.push(literal::py_str(&tool.description));
        literals.typescript.push(literal::ts_str(&tool.description));
        literals.expected.push(text);
    }
}

/// One Python and one Node process read every literal; Python compiles every file.
fn interpreters_agree(literals: &Literals) {
    assert!(literals.expected.len() > 1000);
    let python = json!({"files": literals.python_files, "literals": literals.python});
    let script = "import ast, json, sys\n\
        given = json.load(sys.stdin)\n\
        for source in given['files']: ast.parse(source)\n\
        json.dump([ast.literal_eval(text) for text in given['literals']], sys.stdout)";
    agree(Command::new("python3").args(["-c", script]), &python, &literals.expected);
    let node = json!(literals.typescript);
    let script = "let text = ''; process.stdin.setEncoding('utf8').on('data', (part) => text += part).on('end', () => \
        process.stdout.write(JSON.stringify(JSON.parse(text).map((code) => (0, eval)('(' + code + ')')))));";
    agree(Command::new("node").args(["-e", script]), &node, &literals.expected);
}

fn agree(command: &mut Command, input: &Value, expected: &[Value]) {
    let name = command.get_program().to_string_lossy().into_owned();
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        #[expect(clippy::disallowed_methods, reason = "no setting: whether this is CI")]
        let in_ci = std::env::var_os("CI").is_some();
        assert!(!in_ci, "{name} must be there in CI");
        println!("skipped: {name} is not installed");
        return;
    };
    let mut stdin = child.stdin.take().expect("input");
    let input = input.to_string();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input.as_bytes()));
        child.wait_with_output().expect("output")
    });
    assert!(output.status.success(), "{name} failed");
    let read: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(read.len(), expected.len());
    for (read, expected) in read.iter().zip(expected) {
        assert!(same(read, expected), "{name} read {read}\nfor {expected}");
    }
}

/// Equal, where JavaScript has only doubles and writes whole ones without a fraction.
fn same(read: &Value, expected: &Value) -> bool {
    match (read, expected) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|it| same(value, it)))
        }
        _ => read == expected,
    }
}
