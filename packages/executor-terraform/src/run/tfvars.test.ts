import { describe, expect, it } from "vitest";
import { findCut, isVariablesFile, removeVariables } from "./tfvars.ts";

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

describe("findCut", () => {
  const WHOLE = `other = 1
size  = {
  a = "x \\" \${b("}")} y"
  b = [1, 2] # ]
}
text = <<-EOT
  \${join("\n", ["EOT"])}
  EOT
last = "z"
`;

  it("names no variable of a whole file", () => {
    expect(findCut("terraform.tfvars", WHOLE)).toBeUndefined();
    expect(findCut("terraform.tfvars", WHOLE.replaceAll("\n", "\r\n"))).toBeUndefined();
    expect(findCut("a.auto.tfvars.json", '{ "size": ')).toBeUndefined();
  });

  it.each([
    ["size", "size  =", "}\ntext"],
    ["text", "text =", "OT\nlast"],
    ["last", "last =", '"\n'],
  ])("names %s wherever a file ends within its value", (name, before, after) => {
    const [start, end] = [WHOLE.indexOf(before) + before.length, WHOLE.lastIndexOf(after)];

    const named = Array.from({ length: end - start + 1 }, (_, at) => {
      return findCut("terraform.tfvars", WHOLE.slice(0, start + at));
    });

    expect(new Set(named)).toEqual(new Set([name]));
  });

  it.each(["size = 1 +", "size = cond ?", "size = -", "size = [1,"])("takes %j for cut", (text) => {
    expect(findCut("terraform.tfvars", text)).toBe("size");
  });
});
