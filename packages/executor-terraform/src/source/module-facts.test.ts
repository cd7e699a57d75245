import { findSlowStep } from "@stackyard/core/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HclTooLarge, toHclTokens } from "./hcl.ts";
import { allowsVersion, findModuleFacts, isVersionConstraint, listModuleFiles } from "./module-facts.ts";

const backendOf = (text: string, name = "main.tf") => findModuleFacts([{ name, text }]).backend;
const s3 = "s3";

describe("the backend of a module", () => {
  it.each([
    ['terraform { backend "s3" {} }', s3],
    ['terraform {\n  required_version = ">= 1"\n  backend "s3" {\n    bucket = "b"\n  }\n}', s3],
    ['terraform {\n  required_providers {\n    aws = {\n      source = "a/b" }\n  }\n  backend s3 {}\n}', s3],
    ['terraform\n{\n}\nterraform {\n backend "s3" {} }', s3],
    ['/* terraform { backend "gcs" {} } */ terraform { backend "s3" {} }', s3],
    ['\uFEFFterraform { backend "s3" {} }', s3],
    ['terraform {\r\n  backend "s3" {\r\n  }\r\n}\r\n', s3],
    ['terraform { cloud { organization = "o" } }', "cloud"],
    ['terraform { backend "local" {} }', "local"],
    ['terraform { backend "local" { path = "a.tfstate" } }', "local"],
    ['terraform { backend "local" { path = "/a.tfstate" } }', "local"],
    ['terraform { backend "local" { path = var.state } }', "local"],
    [`terraform { backend "local" { path = "\${var.a}/x" } }`, "local"],
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
    [{ terraform: { cloud: {} } }, "cloud"],
    [{ terraform: { backend: { local: { path: "x" } } } }, "local"],
    [{ terraform: { backend: { local: { path: "/x" } } } }, "local"],
    [{ locals: { terraform: { backend: { s3: {} } } } }, undefined],
    ["text", undefined],
  ])("in the JSON file %j is %j", (value, backend) => {
    expect(backendOf(JSON.stringify(value), "main.tf.json")).toEqual(backend);
  });

  it("is that of the last override file in order of names", () => {
    const files = ["b_override.tf", "a_override.tf", "main.tf"].map((name) => {
      return { name, text: `terraform { backend "${name.charAt(0)}" {} }` };
    });

    expect(findModuleFacts(files).backend).toBe("b");
  });

  it("is what the override file says, whatever the order of the names", () => {
    const override = { name: "a_override.tf", text: 'terraform { backend "gcs" {} }' };
    const main = { name: "main.tf", text: 'terraform { backend "s3" {} }' };

    expect(findModuleFacts([override, main]).backend).toEqual("gcs");
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

    const sensitive = [...variables].map(([name, variable]) => [name, variable.sensitive]);
    expect(Object.fromEntries(sensitive)).toEqual({ a: true, b: false, pw: true, c: false, d: true });
  });

  it.each([
    ["sensitive = true", true],
    // [terraform-provider-http#96] Terraform converts texts, and calculates.
    ['sensitive = "true"', true],
    ["sensitive = (true)", true],
    ["sensitive = (\n  true\n)", true],
    ["sensitive = !false", true],
    ["sensitive = 1 == 1 ? true : false", true],
    ["ephemeral = true", true],
    ["sensitive = false", false],
    ['sensitive = "false"', false],
    ["sensitive = (false)", false],
    ["sensitive = null", false],
    ["# sensitive = true", false],
    ['description = "sensitive = true"', false],
  ])("with %j are sensitive: %s", (attribute, sensitive) => {
    const text = `variable "a" {\n  ${attribute}\n}`;

    expect(findModuleFacts([{ name: "main.tf", text }]).variables.get("a")).toEqual({ sensitive, texts: [] });
  });

  it.each([
    [true, true],
    ["true", true],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of Terraform.
    ["${true}", true],
    [false, false],
    ["false", false],
    [null, false],
  ])("with sensitive %j in JSON are sensitive: %s", (value, sensitive) => {
    const text = JSON.stringify({ variable: { a: { sensitive: value } } });

    expect(findModuleFacts([{ name: "main.tf.json", text }]).variables.get("a")).toEqual({ sensitive, texts: [] });
  });
});

describe("the default of a variable", () => {
  it.each([
    [
      "main.tf",
      'variable "a" {\n  default = { "user" = "app", key : "a\\"b", list = [5432, true, null], "x:y" = 1 }\n}',
    ],
    ["main.tf.json", '{"variable":{"a":{"default":{"user":"app","key":"a\\"b","list":[5432,true,null],"x:y":1}}}}'],
  ])("has the texts and numbers of its members in %s", (name, text) => {
    expect(findModuleFacts([{ name, text }]).variables.get("a")?.texts).toEqual(["app", 'a"b', "5432", "1"]);
  });
});

describe("listModuleFiles", () => {
  const names = [
    ...["main.tf", "more.tf.json", "main.tofu", "more.tofu.json", "only.tofu", "only.tf.json", "a_override.tofu"],
    ...[".main.tf", ".hidden.tofu", "main.tf~", "#main.tf#", "main.tfvars", "a.json", "main.tf.bak"],
  ];
  const list = (product: string, version: string) => listModuleFiles(names, { product, version });

  // [terragrunt#4793], [opentofu#1328]
  it.each([
    ["terraform", "1.11.4"],
    ["opentofu", "1.7.3"],
    ["", ""],
  ])("leaves out .tofu files for %j %j", (product, version) => {
    expect(list(product, version)).toEqual(["main.tf", "more.tf.json", "only.tf.json"]);
  });

  it.each(["1.8.0", "1.8.0-beta1", "1.10.0"])("replaces x.tf by x.tofu for OpenTofu %s", (version) => {
    expect(list("opentofu", version)).toEqual([
      ...["only.tf.json", "main.tofu", "more.tofu.json", "only.tofu", "a_override.tofu"],
    ]);
  });
});

describe("toHclTokens", () => {
  it.each(["\n", "<<A", "<<a\n", '"', "${", '"${', "/*", "/", "#", "\\", "a", "é", "= ", "<<A-", "{"])(
    "reads a run of %j in linear time",
    async (piece) => {
      const slow = (start: string) =>
        findSlowStep(
          (chars) => `${start}${piece.repeat(chars / 4 / piece.length)}`,
          (text) => {
            try {
              toHclTokens(text);
            } catch (error) {
              if (!(error instanceof HclTooLarge)) throw error;
            }
          },
        );

      expect([await slow(""), await slow("<<a"), await slow('a = "${')]).toEqual([undefined, undefined, undefined]);
    },
  );

  it("gives up after half a million tokens, before they fill the memory", () => {
    expect(() => toHclTokens("a\n".repeat(260_000))).toThrow(HclTooLarge);
    expect(toHclTokens("a\n".repeat(240_000))).toHaveLength(480_000);
  });

  it("takes a heredoc at the end of a text for one without an end", () => {
    expect(toHclTokens("a = <<EOT")).toMatchObject([{ text: "a" }, { text: "=" }, { kind: "string", isOpen: true }]);
  });

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
