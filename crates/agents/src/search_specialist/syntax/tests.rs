use super::super::answer::testing::PATIENT;
use super::super::parse::parse;
use super::*;

fn parsed(language: Language, text: &str) -> Parsed {
    let parsed = parse(language, text.to_owned(), &PATIENT).unwrap().unwrap();
    assert_eq!(parsed.errors(), None, "{text}");
    parsed
}

/// The outline of a text: kind, name and parent of each symbol.
fn outline(language: Language, text: &str) -> Vec<String> {
    let parsed = parsed(language, text);
    let syntax = Syntax::new(&parsed, &PATIENT);
    let told = |symbol: &Symbol<'_>| {
        let parent = symbol.parent.map_or(String::new(), |parent| format!(" in {parent}"));
        symbol.kind.map(|kind| format!("{} {}{parent}", kind.name(), symbol.name))
    };
    syntax.symbols.iter().filter(|symbol| !symbol.is_local).filter_map(told).collect()
}

/// What each place of a word is: the kind that is defined, or `use`.
fn roles(language: Language, text: &str, word: &str) -> Vec<&'static str> {
    let parsed = parsed(language, text);
    let words = Syntax::new(&parsed, &PATIENT).words(|text| text == word);
    words.iter().map(|word| word.defines.map_or("use", Kind::name)).collect()
}

#[test]
fn rust_is_outlined() {
    let text = "mod m { pub const A: u8 = 1; static B: u8 = 2; }\n\
        struct S<T> { f: T }\nenum E { V { g: u8 }, W }\nunion U { a: u8 }\ntype Y = u8;\n\
        trait T { type I; fn t(&self); }\nimpl<X> T for S<X> { type I = u8; fn t(&self) { fn inner() {} let v = 1; } }\n\
        macro_rules! mac { () => {} }\nfn free() { let c = |z: u8| z; }\n";
    assert_eq!(
        outline(Language::Rust, text),
        [
            "module m",
            "constant A in m",
            "constant B in m",
            "struct S",
            "field f in S",
            "enum E",
            "variant V in E",
            "field g in V",
            "variant W in E",
            "union U",
            "field a in U",
            "type Y",
            "trait T",
            "type I in T",
            "method t in T",
            "impl S",
            "type I in S",
            "method t in S",
            "function inner in t",
            "macro mac",
            "function free",
        ]
    );
}

#[test]
fn python_is_outlined() {
    let text = "A = 1\nclass C(B):\n    x: int = 2\n    def m(self, y=3):\n        self.z = y\n        w = 1\n        return lambda q: q\n\
        async def f():\n    def g(): pass\n";
    assert_eq!(
        outline(Language::Python, text),
        ["variable A", "class C", "field x in C", "method m in C", "function f", "function g in f"]
    );
}

#[test]
fn javascript_is_outlined() {
    let text = "class C { f = 1; #p = 2; m() { const local = 1; } get g() { return 1; } }\n\
        function f() {}\nfunction* gen() {}\nconst arrow = () => 1, plain = 2;\n\
        exports.made = function () {};\ntest(() => { const inner = 1; });\n";
    assert_eq!(
        outline(Language::Javascript, text),
        [
            "class C",
            "field f in C",
            "field p in C",
            "method m in C",
            "method g in C",
            "function f",
            "function gen",
            "function arrow",
            "variable plain",
            "function made",
        ]
    );
}

#[test]
fn typescript_is_outlined() {
    let text = "interface I { a: string; m(): void }\ntype T = I | null;\nenum E { X, Y = 2 }\n\
        abstract class C<P> { private f: number = 1; abstract n(): void; o(p: number) {} }\nnamespace N { export function g(): void {} }\n\
        declare module 'm' { const v: string; }\nexport const fn = (a: number): number => a;\n";
    for language in [Language::Typescript, Language::Tsx] {
        assert_eq!(
            outline(language, text),
            [
                "interface I",
                "field a in I",
                "method m in I",
                "type T",
                "enum E",
                "variant X in E",
                "variant Y in E",
                "class C",
                "field f in C",
                "method n in C",
                "method o in C",
                "module N",
                "function g in N",
                "module 'm'",
                "variable v in 'm'",
                "function fn",
            ]
        );
    }
}

#[test]
fn go_is_outlined() {
    let text = "package p\nconst A, B = 1, 2\nvar V int\ntype S[T any] struct { f, g T }\ntype I interface { M() }\ntype L = S[int]\ntype N int\n\
        func F() { var local int; g := func() {}; _ = g; _ = local }\nfunc (s *S[T]) M() {}\nfunc (n N) O() {}\n";
    assert_eq!(
        outline(Language::Go, text),
        [
            "constant A",
            "constant B",
            "variable V",
            "struct S",
            "field f in S",
            "field g in S",
            "interface I",
            "method M in I",
            "type L",
            "type N",
            "function F",
            "method M in S",
            "method O in N",
        ]
    );
}

#[test]
fn c_is_outlined() {
    let text = "#define M 1\n#define F(x) x\nstruct s { int a, *b; };\nunion u { int c; };\nenum e { X, Y };\ntypedef struct { int d; } *t;\n\
        int declared(int p);\nint (*pointer)(int);\nstatic char *made(void) { int local = 1; return 0; }\nint v[3], w = 2;\n";
    assert_eq!(
        outline(Language::C, text),
        [
            "macro M",
            "macro F",
            "struct s",
            "field a in s",
            "field b in s",
            "union u",
            "field c in u",
            "enum e",
            "variant X in e",
            "variant Y in e",
            "type t",
            "field d in t",
            "function declared",
            "variable pointer",
            "function made",
            "variable v",
            "variable w",
        ]
    );
}

#[test]
fn bash_is_outlined() {
    let text = "A=1\nf() { local b=2; c=3; }\nfunction g { f; }\n";
    assert_eq!(outline(Language::Bash, text), ["variable A", "function f", "function g"]);
}

#[test]
fn in_rust_patterns_bind_and_their_types_constants_and_values_do_not() {
    let text = "fn f(x: X) { let (x, S { x, y: z }) = x; match x { Some(x) if x > 1 => x, None => 0 }; |x| x; g!(x); }";
    assert_eq!(
        roles(Language::Rust, text, "x"),
        [
            "parameter",
            "variable",
            "variable",
            "use",
            "use",
            "variable",
            "use",
            "use",
            "parameter",
            "use",
            "use"
        ]
    );
    assert_eq!(roles(Language::Rust, text, "None"), ["use"]);
    assert_eq!(roles(Language::Rust, text, "S"), ["use"]);
    assert_eq!(roles(Language::Rust, text, "y"), ["use"]);
    assert_eq!(roles(Language::Rust, "fn r#type() { r#type() }", "type"), ["function", "use"]);
    assert_eq!(roles(Language::Rust, "struct S; impl S {}", "S"), ["struct", "use"]);
}

#[test]
fn in_python_names_are_bound_where_they_are_assigned() {
    let text = "def f(x, *, y=x, **z):\n    a, (x, *b) = x\n    for x in x: pass\n    [x for x in x]\n    with o() as x: pass\n    self.x = f'{x}'\n";
    assert_eq!(
        roles(Language::Python, text, "x"),
        [
            "parameter",
            "use",
            "variable",
            "use",
            "variable",
            "use",
            "use",
            "variable",
            "use",
            "variable",
            "field",
            "use"
        ]
    );
    assert_eq!(roles(Language::Python, text, "b"), ["variable"]);
    assert_eq!(roles(Language::Python, text, "z"), ["parameter"]);
    assert_eq!(roles(Language::Python, "import a as b\nb", "b"), ["alias", "use"]);
}

#[test]
fn in_javascript_patterns_bind_and_their_keys_and_defaults_do_not() {
    let text =
        "const { x, k: { y = x }, ...z } = x; (x, [y] = x) => x; for (const x of x) {} `${x} x`; o.x; // x\n";
    assert_eq!(
        roles(Language::Javascript, text, "x"),
        ["variable", "use", "use", "parameter", "use", "use", "variable", "use", "use", "use"]
    );
    assert_eq!(roles(Language::Javascript, text, "y"), ["variable", "parameter"]);
    assert_eq!(roles(Language::Javascript, text, "z"), ["variable"]);
    assert_eq!(roles(Language::Javascript, text, "k"), ["use"]);
}

#[test]
fn in_typescript_go_c_and_bash_definitions_and_uses_are_told_apart() {
    let text = "function f(x: T, y?: T) { return x }";
    assert_eq!(roles(Language::Typescript, text, "x"), ["parameter", "use"]);
    assert_eq!(roles(Language::Typescript, text, "T"), ["use", "use"]);
    let text = "package p\nfunc f(x int) { x, y := x, 1; for x := range y { _ = x } }";
    assert_eq!(roles(Language::Go, text, "x"), ["parameter", "variable", "use", "variable", "use"]);
    let text = "int f(int *x, int n[x]); int x = x + 1; char *s = \"x\"; /* x */";
    assert_eq!(roles(Language::C, text, "x"), ["parameter", "use", "variable", "use"]);
    let text = "f() { echo f; }\nf \"$x\" # f\nx=1\nfor x in $x; do :; done";
    assert_eq!(roles(Language::Bash, text, "f"), ["function", "use"]);
    assert_eq!(roles(Language::Bash, text, "x"), ["use", "variable", "variable", "use"]);
}

#[test]
fn a_word_knows_what_it_stands_in() {
    let parsed = parsed(Language::Rust, "impl S { fn m() { x; } }\nfn f() { x; }\nstatic Y: u8 = x;\n");
    let words = Syntax::new(&parsed, &PATIENT).words(|text| text == "x");
    assert_eq!(words.iter().map(|word| word.within.unwrap()).collect::<Vec<_>>(), ["m", "f", "Y"]);
    assert_eq!((words[1].line, words[1].column, words[1].shown), (2, 10, "fn f() { x; }"));
}
