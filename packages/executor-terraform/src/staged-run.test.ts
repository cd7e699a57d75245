import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMasker, isSecretName, toBackendSetup, toVariables, toVariableText } from "./staged-run.ts";

const input = {
  stateKey: "m/s/local/a b",
  stateBackendUrl: "https://yard/state",
  attempt: { id: "s/1", password: "9.proof" },
};
const s3 = { kind: "backend", type: "s3", inFolder: false } as const;

describe("toBackendSetup", () => {
  it("passes the state key to an s3 backend byte for byte", () => {
    const setup = toBackendSetup({ ...input, declared: s3, stateKey: "m/s/a=b c/" });

    expect(setup).toEqual({ initArguments: ["-backend-config=key=m/s/a=b c/"], environment: {}, override: false });
  });

  it.each([{ kind: "cloud" } as const, { ...s3, type: "gcs" }, { ...s3, type: "local" }])(
    "leaves %j alone",
    (declared) => {
      expect(toBackendSetup({ ...input, declared })).toEqual({ initArguments: [], environment: {}, override: false });
    },
  );

  it("uses the yard's own backend where none is declared", () => {
    const address = "https://yard/state/m/s/local/a%20b";

    expect(toBackendSetup({ ...input, declared: undefined })).toEqual({
      initArguments: [],
      environment: {
        TF_HTTP_ADDRESS: address,
        TF_HTTP_LOCK_ADDRESS: address,
        TF_HTTP_LOCK_METHOD: "LOCK",
        TF_HTTP_UNLOCK_ADDRESS: address,
        TF_HTTP_UNLOCK_METHOD: "UNLOCK",
        TF_HTTP_USERNAME: "s/1",
        TF_HTTP_PASSWORD: "9.proof",
      },
      override: true,
    });
  });

  it("rejects to lose the state", () => {
    const lost = /the state with it|[Tt]he state would be lost/;

    expect(() => toBackendSetup({ ...input, declared: undefined, stateBackendUrl: undefined })).toThrow(lost);
    expect(() => toBackendSetup({ ...input, declared: { ...s3, type: "local", inFolder: true } })).toThrow(lost);
  });
});

const given = (metadata = {}, variables = {}) => toVariables({ stackId: "pr-12", metadata }, variables);

describe("toVariables", () => {
  it("begins with the stack's id, and lets the later one of a name win", () => {
    const { values } = given({ size: 1, zone: "a" }, { size: 2 });

    expect([...values]).toEqual([
      ["stack_id", "pr-12"],
      ["size", "2"],
      ["zone", "a"],
    ]);
  });

  it("skips names that no variable can have", () => {
    const { values, unusable } = given({ "a b": 1, "1a": 1, "-a": 1, "a=b": 1, "": 1, "a-b": 1, größe: 1, _x: 1 });

    expect([...values.keys()]).toEqual(["stack_id", "a-b", "größe", "_x"]);
    expect(new Set(unusable)).toEqual(new Set(["a b", "1a", "-a", "a=b", ""]));
  });

  it("takes names of built-ins as names", () => {
    expect([...given(JSON.parse('{"__proto__":1,"constructor":2}')).values.keys()]).toEqual([
      "stack_id",
      "__proto__",
      "constructor",
    ]);
  });
});

describe("toVariableText", () => {
  it.each([
    [null, "null"],
    [true, "true"],
    [false, "false"],
    [0, "0"],
    [-1.5, "-1.5"],
    [1e21, "1e+21"],
    ["", ""],
    ["null", "null"],
    ["  a\nb ", "  a\nb "],
    [["a", 1], '["a",1]'],
    [{ a: `\${b}`, c: "%{d}" }, '{"a":"\\u0024{b}","c":"\\u0025{d}"}'],
  ])("of %j is %j", (value, text) => {
    expect(toVariableText(value)).toBe(text);
  });

  it("leaves strings as they are", () => {
    fc.assert(fc.property(fc.string(), (text) => toVariableText(text) === text));
  });

  it("writes lists and maps as JSON that holds no template", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (value) => {
        const text = toVariableText(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(text).not.toMatch(/[$%]\{/);
      }),
    );
  });
});

describe("createMasker", () => {
  it("hides every occurrence, longer secrets first", () => {
    const mask = createMasker(["hunter", "hunter22"]);

    expect(mask("hunter22 and hunter, hunter22")).toBe("*** and ***, ***");
  });

  it("leaves short and empty values alone", () => {
    expect(createMasker(["", "   ", "abc"])("abc   def")).toBe("abc   def");
  });

  it("knows a secret as JSON writes it, and the lines of a long one", () => {
    const mask = createMasker(['quo"ted', "-----BEGIN-----\nabcdefgh\nend"]);

    expect(mask('{"a":"quo\\"ted"} | abcdefgh | -----BEGIN----- end')).toBe('{"a":"***"} | *** | *** end');
  });
});

describe("isSecretName", () => {
  it("goes by the name", () => {
    const names = ["TF_VAR_db_password", "GITHUB_TOKEN", "apiKey", "clientSecret", "name", "PATH", "zone"];

    expect(names.filter(isSecretName)).toEqual(["TF_VAR_db_password", "GITHUB_TOKEN", "apiKey", "clientSecret"]);
  });
});
