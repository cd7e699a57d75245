import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ensureToken } from "./ensure-token.ts";

describe("ensureToken", () => {
  const newFolder = () => mkdtemp(join(tmpdir(), "token-"));

  it("creates a token that only its owner can read, and returns the same one from then on", async () => {
    const dataDir = join(await newFolder(), "data");

    const token = await ensureToken(dataDir);

    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await stat(join(dataDir, "token"))).mode & 0o777).toBe(0o600);
    expect(await ensureToken(dataDir)).toBe(token);
  });

  it("gives one token to all who ask at the same time", async () => {
    const dataDir = await newFolder();

    const given = await Promise.all(Array.from({ length: 20 }, () => ensureToken(dataDir)));

    expect(new Set(given).size).toBe(1);
  });

  it("rejects a file that holds something else, and takes rights away from others", async () => {
    const [wrong, open] = [await newFolder(), await newFolder()];
    await writeFile(join(wrong, "token"), "short");
    await writeFile(join(open, "token"), `${"t".repeat(40)}\n`, { mode: 0o644 });

    await expect(ensureToken(wrong)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    expect(await ensureToken(open)).toBe("t".repeat(40));
    expect((await stat(join(open, "token"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(wrong, "token"), "utf8")).toBe("short");
  });
});
