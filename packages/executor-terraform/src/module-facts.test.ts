import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { allowsVersion, findModuleFacts, isModuleFile, isVersionConstraint, toHclTokens } from "./module-facts.ts";

const backendOf = (text: string, name = "main.tf") => findModuleFacts([{ name, text }]).backend;
const s3 = { kind: "backend", type: "s3", inFolder: false };

describe("the backend of a module", () => {
  it.each([
    ['terraform { backend "s3" {} }', s3],
    ['terraform {\n  required_version = ">= 1"\n  backend "s3" {\n    bucket = "b"\n  }\n}', s3],
    ['terraform {\n  required_providers {\n    aws = {\n      source = "a/b" }\n  }\n  backend s3 {}\n}', s3],
    ['terraform\n{\n}\nterraform {\n backend "s3" {} }', s3],
    ['/* terraform { backend "gcs" {} } */ terraform { backend "s3" {} }', s3],
    ['\uFEFFterraform { backend "s3" {} }', s3],
    ['terraform {\r\n  backend "s3" {\r\n  }\r\n}\r\n', s3],
    ['terraform { cloud { organization = "o" } }', { kind: "cloud" }],
    ['terraform { backend "local" {} }', { kind: "backend", type: "local", inFolder: true }],
    ['terraform { backend "local" { path = "a.tfstate" } }', { kind: "backend", type: "local", inFolder: true }],
    ['terraform { backend "local" { path = "/a.tfstate" } }', { kind: "backend", type: "local", inFolder: false }],
    ['terraform { backend "local" { path = var.state } }', { kind: "backend", type: "local", inFolder: false }],
    [`terraform { backend "local" { path = "\${var.a}/x" } }`, { kind: "backend", type: "local", inFolder: false }],
    ['# terraform { backend "s3" {} }', undefined],
    ['// terraform { backend "s3" {} }', undefined],
    ['/* terraform { backend "s3" {} }', undefined],
    ['locals { a = "terraform { backend \\"s3\\" {} }" }', undefined],
    ['locals {\n  a = <<EOT\nterraform { backend "s3" {} }\nEOT\n}', undefined],
    [`locals {\n  a = <<-EOT\n    \${"\nEOT\n"}\n    terraform { backend "s3" {} }\n    EOT\n}`, undefined],
    [`locals {\n  a = "\${join("}", ["terraform", "{"])} { backend"\n}\nterraform {}`, undefined],
    ['resource "a" "b" {\n  terraform { backend "s3" {} }\n}', undefined],
    ['resource "a" "b" {\n  x = {\n    terraform = { backend = { s3 = {} } }\n  }\n}', undefined],
    ['backend "s3" {}', undefined],
    ["", undefined],
    ['terraform { backend "s3" ', undefined],
    ['}}}} terraform { backend "s3" {} }', s3],
  ])("in %j is %j", (text, backend) => {
    expect(backendOf(text)).toEqual(backend);
  });

  it.each([
    [{ terraform: { backend: { s3: {} } } }, s3],
    [{ terraform: [{ required_version: "1" }, { backend: [{ s3: { bucket: "b" } }] }] }, s3],
    [[{ terraform: { backend: { s3: {} } } }], s3],
    [{ "//": "a", terraform: { backend: { "//": "why", s3: {} } } }, s3],
    [{ terraform: { cloud: {} } }, { kind: "cloud" }],
    [{ terraform: { backend: { local: { path: "x" } } } }, { kind: "backend", type: "local", inFolder: true }],
    [{ terraform: { backend: { local: { path: "/x" } } } }, { kind: "backend", type: "local", inFolder: false }],
    [{ locals: { terraform: { backend: { s3: {} } } } }, undefined],
    ["text", undefined],
  ])("in the JSON file %j is %j", (value, backend) => {
    expect(backendOf(JSON.stringify(value), "main.tf.json")).toEqual(backend);
  });

  it("is what the override file says, whatever the order of the names", () => {
    const override = { name: "a_override.tf", text: 'terraform { backend "gcs" {} }' };
    const main = { name: "main.tf", text: 'terraform { backend "s3" {} }' };

    expect(findModuleFacts([override, main]).backend).toEqual({ kind: "backend", type: "gcs", inFolder: false });
  });
});

describe("the variables of a module", () => {
  it("are found in both syntaxes, with what is sensitive", () => {
    const text = `
      variable "a" {}
      variable b { type = string }
      variable "pw" {
        description = "a } b"
        validation {
          condition     = length("\${var.pw}") > 3
          error_message = <<EOT
variable "no" {}
EOT
        }
        sensitive = true
      }
      module "m" { variable = 1 }`;
    const json = JSON.stringify({ variable: { c: {}, d: [{ sensitive: true }], a: { sensitive: true } } });

    const { variables } = findModuleFacts([
      { name: "main.tf", text },
      { name: "more.tf.json", text: json },
    ]);

    expect(Object.fromEntries(variables)).toEqual({ a: true, b: false, pw: true, c: false, d: true });
  });
});

describe("isModuleFile", () => {
  it("knows the names that are read", () => {
    const names = ["main.tf", "main.tf.json", "main.tofu", ".main.tf", "main.tf~", "#main.tf", "main.tfvars", "a.json"];

    expect(names.filter(isModuleFile)).toEqual(["main.tf", "main.tf.json", "main.tofu"]);
  });
});

describe("toHclTokens", () => {
  it("never throws, and never takes the content of a string for a block", () => {
    const unit = fc.constantFrom(
      '"',
      "\\",
      "${",
      "%{",
      "$${",
      "}",
      "{",
      "\n",
      "<<EOT\n",
      "EOT",
      "terraform",
      "=",
      "#",
      "/*",
      "*/",
      " ",
    );

    fc.assert(fc.property(fc.string({ unit, maxLength: 60 }), (text) => void toHclTokens(text)));
    fc.assert(
      fc.property(fc.string(), (text) => {
        const quoted = JSON.stringify(text).replace(/[$%](?=\{)/g, "$&$&");
        expect(backendOf(`locals { a = ${quoted} }\nterraform { backend "s3" {} }`)).toEqual(s3);
      }),
    );
  });

  it("reads deep nesting without running out of stack, and in linear time", () => {
    const deep = `locals { a = "${'${"'.repeat(100_000)}`;

    expect(backendOf(`${deep}\n${"{".repeat(100_000)}`)).toBeUndefined();
    expect(backendOf(`${"a {\n".repeat(50_000)}`)).toBeUndefined();
  });
});

describe("allowsVersion", () => {
  it.each([
    ["1.11.4", "1.11.4", true],
    ["= 1.11.4", "1.11.5", false],
    ["!= 1.11.4", "1.11.5", true],
    [">= 1.6, < 2.0", "1.11.4", true],
    [">= 1.6, < 2.0", "2.0.0", false],
    ["> 1.11.4", "1.11.4", false],
    ["<= 1.11", "1.11.0", true],
    ["~> 1.11.0", "1.11.9", true],
    ["~> 1.11.0", "1.12.0", false],
    ["~> 1.9", "1.11.4", true],
    ["~> 1.9", "2.0.0", false],
    ["~> 1.9", "1.8.9", false],
    [">= 1.12.0", "1.12.0-beta1", false],
    ["> 1.12.0-alpha", "1.12.0-beta1", true],
    ["v1.2", "1.2.0", true],
    [">= 1.0", "", false],
    ["nonsense", "1.0.0", false],
  ])("%s allows %s: %s", (constraint, version, allowed) => {
    expect(allowsVersion(constraint, version)).toBe(allowed);
  });

  it("is checked by isVersionConstraint", () => {
    expect(["~> 1.11", ">= 1, < 2", "1.x", "", ">= 1,"].map(isVersionConstraint)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
