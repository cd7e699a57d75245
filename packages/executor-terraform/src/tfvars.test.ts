import { describe, expect, it } from "vitest";
import { isVariablesFile, removeVariables } from "./tfvars.ts";

const names = new Set(["stack_id", "size"]);
const remove = (text: string, name = "terraform.tfvars") => removeVariables(name, text, names);

describe("isVariablesFile", () => {
  it("knows the files that are loaded without being named", () => {
    const files = [
      ...["terraform.tfvars", "terraform.tfvars.json", "a.auto.tfvars", "b.auto.tfvars.json", ".auto.tfvars"],
      ...["dev.tfvars", "terraform.tfvars.example", "main.tf", "my-terraform.tfvars", "prod.tfvars.json"],
    ];

    expect(files.filter(isVariablesFile)).toEqual([
      ...["terraform.tfvars", "terraform.tfvars.json", "a.auto.tfvars", "b.auto.tfvars.json", ".auto.tfvars"],
    ]);
  });
});

describe("removeVariables", () => {
  it.each([
    // [terraform#6778]
    ['stack_id = "dev"\nother = 1\n', "\nother = 1\n", ["stack_id"]],
    ['other=1\r\nsize="s"\r\n', "other=1\r\n\r\n", ["size"]],
    ['size = {\n  a = "}"\n  stack_id = "x"\n} # why\nb = 2', "\n\n\n # why\nb = 2", ["size"]],
    ["size = <<EOT\nstack_id = 1\nEOT\nb = 2", "\n\n\nb = 2", ["size"]],
    ["# stack_id = 1\n/* size = 2 */", "# stack_id = 1\n/* size = 2 */", []],
    ['b = "size = 1"\nc = [\n size ]', 'b = "size = 1"\nc = [\n size ]', []],
    ["sizes = 1\nmy_size = 2\nmy-stack_id = 3", "sizes = 1\nmy_size = 2\nmy-stack_id = 3", []],
    ["\uFEFFsize = 1", "\uFEFF", ["size"]],
    ["size = 1", "", ["size"]],
    ["size = ", " ", ["size"]],
    ["", "", []],
  ])("leaves of %j %j", (text, rest, removed) => {
    expect(remove(text)).toEqual({ text: rest, removed });
  });

  it.each([
    ['{"stack_id":"dev","id":9007199254740993}', '{"id":9007199254740993}', ["stack_id"]],
    ['[{"size":1},{"b":2}]', '[{},{"b":2}]', ["size"]],
    ['{"b":{"size":1}}', '{"b":{"size":1}}', []],
    ["{", "{", []],
  ])("leaves of the JSON %j %j", (text, rest, removed) => {
    expect(remove(text, "a.auto.tfvars.json")).toEqual({ text: rest, removed });
  });
});
