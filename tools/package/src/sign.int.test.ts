import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMessage, generateKey, readKey, readSignature, verify } from "openpgp";
import { describe, expect, it } from "vitest";
import { createSigner } from "./sign.ts";

const content = new TextEncoder().encode("state-manager\r\n\u0000\u0001");
const userIDs = [{ name: "Releases", email: "releases@example.org" }];
const hasGpg = spawnSync("gpg", ["--version"]).status === 0;

describe("a signature", () => {
  it("is of the content and of nothing else", async () => {
    const { privateKey, publicKey } = await generateKey({ userIDs, format: "armored" });
    const verificationKeys = await readKey({ armoredKey: publicKey });

    const signature = await readSignature({ armoredSignature: await (await createSigner(privateKey)).sign(content) });

    const check = async (binary: Uint8Array) => {
      const { signatures } = await verify({ message: await createMessage({ binary }), signature, verificationKeys });
      return signatures[0]?.verified;
    };
    expect(await check(content)).toBe(true);
    await expect(check(content.slice(1))).rejects.toThrow("Signed digest did not match");
  });

  it("comes from a locked key with its passphrase only", async () => {
    const { privateKey } = await generateKey({ userIDs, passphrase: "open", format: "armored" });

    expect(await (await createSigner(privateKey, "open")).sign(content)).toContain("BEGIN PGP SIGNATURE");
    await expect(createSigner(privateKey)).rejects.toThrow("--passphrase-file");
    await expect(createSigner(privateKey, "shut")).rejects.toThrow("passphrase");
  });

  it.skipIf(!hasGpg)("is one that gpg accepts (skipped without gpg)", async () => {
    const { privateKey, publicKey } = await generateKey({ userIDs, format: "armored" });
    const home = mkdtempSync(join(tmpdir(), "gpg-"));
    try {
      writeFileSync(join(home, "key.asc"), publicKey);
      writeFileSync(join(home, "file"), content);
      writeFileSync(join(home, "file.asc"), await (await createSigner(privateKey)).sign(content));
      const gpg = (...args: string[]) =>
        execFileSync("gpg", ["--homedir", home, "--batch", "--no-autostart", ...args], { stdio: "pipe" });
      gpg("--import", join(home, "key.asc"));

      expect(() => gpg("--verify", join(home, "file.asc"), join(home, "file"))).not.toThrow();
      expect(() => gpg("--verify", join(home, "file.asc"), join(home, "key.asc"))).toThrow();
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  });
});
