// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of machines, in plain strings.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aPlace, aScope } from "../../testing/expression-builders.ts";
import { compileTemplate } from "./compile-template.ts";
import { escapeTemplate } from "./split-template.ts";

const templateText = fc.string({ unit: fc.constantFrom("$", "{", "}", "$${", "${", "'", '"', "a", "\\", "\n", "/") });

describe("escapeTemplate", () => {
  it.each([
    ["a", "a"],
    ["$", "$"],
    ["${a}", "$${a}"],
    ["$${a}", "$$${a}"],
    ["${${", "$${$${"],
  ])("writes %j as %j", (text, escaped) => {
    expect(escapeTemplate(text)).toBe(escaped);
  });

  it("gives any text back when the template is resolved", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.oneof(templateText, fc.string({ unit: "binary" })), (text) => {
        const compiled = compileTemplate(escapeTemplate(text), aPlace());

        expect(compiled).toMatchObject({ kind: "template", hasExpressions: false });
        const resolved = compiled.kind === "template" && compiled.template.resolve(aScope(), () => undefined);
        expect(resolved).toEqual({ kind: "value", value: text });
      }),
    );
  });
});
