import { describe, expect, it } from "vitest";
import { findCodeApps } from "./find-code-apps.ts";
import { parseTemplateParameters } from "./parse-template-parameters.ts";

describe("parameters of a template", () => {
  it("are read with defaults and descriptions", () => {
    const Parameters = {
      A: { Type: "String", Default: "", Description: "x", AllowedPattern: ".*" },
      B: { Type: "Number" },
    };

    expect(Object.keys(parseTemplateParameters(JSON.stringify({ Parameters, Resources: {} })))).toEqual(["A", "B"]);
    expect(parseTemplateParameters("{}")).toEqual({});
  });

  it.each(["[]", '{"Parameters":[]}', '{"Parameters":{"A":{}}}', "{"])("are refused: %s", (text) => {
    expect(() => parseTemplateParameters(text)).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });

  it("name the apps whose code they ask for", () => {
    const template = {
      StateManagerCodeKey: { Type: "String" },
      XCodeKey: { Type: "String" },
      CodeKey: { Type: "String" },
    };

    expect(findCodeApps({ ...template, CodeBucket: { Type: "String" } })).toEqual(
      new Map([
        ["StateManager", "state-manager"],
        ["X", "x"],
      ]),
    );
  });
});
