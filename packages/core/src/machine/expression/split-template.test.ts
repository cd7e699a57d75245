// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import { describe, expect, it } from "vitest";
import { splitTemplate } from "./split-template.ts";

const text = (value: string) => ({ kind: "text", text: value });
const expression = (source: string, offset: number) => ({ kind: "expression", source, offset });

describe("splitTemplate", () => {
  it.each([
    ["", []],
    ["plain $ {text} $", [text("plain $ {text} $")]],
    ["${a}", [expression("a", 2)]],
    ["x${a}y${b}z", [text("x"), expression("a", 3), text("y"), expression("b", 8), text("z")]],
    ["${a}${b}", [expression("a", 2), expression("b", 6)]],
    ["$${a}", [text("${a}")]],
    ["$$${a}", [text("$${a}")]],
    ["$$$${a}", [text("$$${a}")]],
    ["$${${a}}", [text("${"), expression("a", 5), text("}")]],
    ["$${a}${b}", [text("${a}"), expression("b", 7)]],
    ["$${", [text("${")]],
    ["${}", [expression("", 2)]],
    ["${{'a': {'b': 1}}.a}", [expression("{'a': {'b': 1}}.a", 2)]],
    ["${'}'}", [expression("'}'", 2)]],
    [`\${"}"}`, [expression(`"}"`, 2)]],
    ["${'\\'}'}", [expression("'\\'}'", 2)]],
    ["${'''it's }'''}", [expression("'''it's }'''", 2)]],
    [`\${"""say "}" """}`, [expression(`"""say "}" """`, 2)]],
    ["${r'}'}", [expression("r'}'", 2)]],
    ["${'$' + '${x}'}", [expression("'$' + '${x}'", 2)]],
    ["${'$${'}", [expression("'$${'", 2)]],
    ["${1 // }\n}", [expression("1 // }\n", 2)]],
    ["a ${b", [text("a "), { kind: "unterminated", offset: 2 }]],
    ["${'}", [{ kind: "unterminated", offset: 0 }]],
    ["${{'a': 1}", [{ kind: "unterminated", offset: 0 }]],
    ["${a}${", [expression("a", 2), { kind: "unterminated", offset: 4 }]],
    ["${1 // }", [{ kind: "unterminated", offset: 0 }]],
  ])("takes %j apart", (template, parts) => {
    expect(splitTemplate(template)).toEqual(parts);
  });
});
