import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLogMask } from "./log-mask.ts";

const SECRET = "p@ss'w \"rd$1/ü<&>{x}!";
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("createLogMask", () => {
  // [actions/runner#284], [azure-pipelines-agent#5030], [jenkins-library#2289]
  it.each([
    ["plain", SECRET],
    ["JSON", JSON.stringify(SECRET)],
    ["JSON of Go", JSON.stringify(SECRET).replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e")],
    ["base64", base64(SECRET)],
    ["base64url", Buffer.from(SECRET).toString("base64url")],
    ["base64 with a line end", base64(`${SECRET}\n`)],
    ["percent-encoded", encodeURIComponent(SECRET)],
    ["percent-encoded in a form", String(new URLSearchParams({ SECRET }))],
    ["percent-encoded in lower case", encodeURIComponent(SECRET).replace(/%../g, (code) => code.toLowerCase())],
    ["a password of a URL", String(new URL(`https://u:${encodeURIComponent(SECRET)}@h/`))],
    ["hex", Buffer.from(SECRET).toString("hex")],
    ["HEX", Buffer.from(SECRET).toString("hex").toUpperCase()],
    ["single quotes", `'${SECRET.replaceAll("'", "'\\''")}'`],
    ["double quotes", `"${SECRET.replace(/["\\$`]/g, "\\$&")}"`],
    ["printf %q", execFileSync("bash", ["-c", 'printf %q "$0"', SECRET.replace("ü", "u")], { encoding: "utf8" })],
  ])("masks a secret as %s", (name, text) => {
    const secret = name === "printf %q" ? SECRET.replace("ü", "u") : SECRET;
    const masked = createLogMask([secret])(`it is ${text} here`);

    expect(masked).toContain("***");
    expect(masked.replaceAll("***", "").length).toBeLessThan(30);
  });

  it.each<[string, unknown]>([
    ["a map", { user: "web", password: "hunter2-hunter2", ports: [54321], more: { key: "abcd" } }],
    ["its JSON text", '{ "user": "web", "password": "hunter2-hunter2", "ports": [54321], "more": { "key": "abcd" } }'],
  ])("masks each member of %s", (_, value) => {
    const mask = createLogMask([value]);

    expect(mask("web connects to postgres://app:hunter2-hunter2@db:54321/?key=abcd")).toBe(
      "web connects to postgres://app:***@db:***/?key=***",
    );
    expect(mask(base64("hunter2-hunter2"))).toBe("***");
  });

  it("masks base64 of a secret in the middle of a text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ minLength: 12, maxLength: 60 }), fc.string(), (a, b, c) => {
        if (b.trim().length < 12 || !/[a-zA-Z]/.test(b)) return;
        const masked = createLogMask([b])(base64(`${a}${b}${c}`));
        expect(masked).toContain("***");
      }),
      { numRuns: 200 },
    );
  });

  it("masks what a program has split into lines", () => {
    const key = "-----BEGIN KEY-----\n".concat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n".repeat(8), "-----END KEY-----\n");
    const mask = createLogMask([key, "0123456789abcdefABCDEF0123456789"]);
    const wrap = (text: string, columns: number) => text.match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
    const lines = [
      ...wrap(base64(`user:${key}`), 76),
      ...wrap(Buffer.from(key).toString("hex"), 60),
      ...wrap(base64(`x${key}`), 64),
    ];

    expect(lines.map(mask).filter((line) => /[A-Za-z0-9+/]{24}/.test(line))).toEqual([]);
    expect(mask("part 0123456789abcdefABCD and")).toBe("part *** and");
  });

  it("leaves other texts alone", () => {
    const text = "terraform_data.a: creating… done after 0s [id=42cd106c-ae80-9136-c7b3-df8b4c9c76de]";

    expect(createLogMask(["hunter22", "1234", SECRET])(text)).toBe(text);
    expect(createLogMask(["", "   ", "abc", null, true])("abc   def")).toBe("abc   def");
  });
});
