import { describe, expect, it } from "vitest";
import { createMasker, isSecretName } from "./masker.ts";

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
