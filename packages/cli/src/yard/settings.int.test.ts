import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadLocalSealer, loadSealer } from "./settings.ts";

describe("the sealer", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealer-"));
  const [key = "", other = ""] = [1, 2].map((digit) => Buffer.alloc(32, digit).toString("base64"));
  const bytes = Buffer.from("a plan");

  it("has the keys of the variable, or of its file", async () => {
    const file = join(folder, "keys");
    writeFileSync(file, `${other}\n${key}\n`);
    const sealed = await (await loadSealer({ STACKYARD_SEAL_KEY: key }))?.seal(bytes);

    const fromFile = await loadSealer({ STACKYARD_SEAL_KEY_FILE: file });

    expect(await fromFile?.open(sealed ?? Buffer.of())).toEqual(bytes);
    expect(await loadSealer({})).toBeUndefined();
  });

  it.each([
    [{ STACKYARD_SEAL_KEY: "hunter22" }, "STACKYARD_SEAL_KEY must contain keys of 32 bytes in base64"],
    [{ STACKYARD_SEAL_KEY: key, STACKYARD_SEAL_KEY_FILE: "x" }, "are both set"],
    [{ STACKYARD_SEAL_KEY_FILE: join(folder, "missing") }, "The file of STACKYARD_SEAL_KEY_FILE cannot be read"],
  ])("refuses case %#, and shows no key", async (env, message) => {
    const refused = await loadSealer(env).catch((error) => error);

    expect(refused).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(message) });
    expect(refused.message).not.toContain("hunter22");
  });

  it("of stackyard dev keeps its key in a file of the data folder that only the owner can read", async () => {
    const dataDir = join(folder, "data");
    const sealed = await (await loadLocalSealer({}, dataDir)).seal(bytes);

    expect(await (await loadLocalSealer({}, dataDir)).open(sealed)).toEqual(bytes);
    expect(statSync(join(dataDir, "seal-key")).mode & 0o777).toBe(0o600);
    expect(await (await loadLocalSealer({ STACKYARD_SEAL_KEY: key }, dataDir)).open(sealed)).toBeUndefined();
  });
});
