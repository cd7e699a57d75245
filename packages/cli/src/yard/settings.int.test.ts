import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAwsAccess } from "@stackyard/aws";
import { startKms } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import type { Sealer } from "@stackyard/core/services";
import { describe, expect, it, vi } from "vitest";
import { loadSealer } from "./settings.ts";

describe("the sealer", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealer-"));
  writeFileSync(join(folder, "empty"), "\n");
  const [key = "", other = ""] = [1, 2].map((digit) => Buffer.alloc(32, digit).toString("base64"));
  const bytes = Buffer.from("a plan");
  const kms = "arn:aws:kms:eu-west-1:111122223333:key/1";
  const createAws = vi.fn((region: string) =>
    createAwsAccess({ clock: systemClock, region, session: { name: "test" } }),
  );
  const deps = { createAws };

  it("has the keys of the variable, or of its file", async () => {
    const file = join(folder, "keys");
    writeFileSync(file, `${other}\n${key}\n`);
    const sealed = await (await loadSealer({ STACKYARD_SEAL_KEY: key }, deps))?.seal(bytes);

    const fromFile = await loadSealer({ STACKYARD_SEAL_KEY_FILE: file }, deps);

    expect(await fromFile?.open(sealed ?? Buffer.of())).toEqual(bytes);
    expect(await loadSealer({}, deps)).toBeUndefined();
  });

  it.each([
    [{ STACKYARD_SEAL_KEY: "hunter22" }, "STACKYARD_SEAL_KEY must contain keys of 32 bytes in base64"],
    [{ STACKYARD_SEAL_KEY: key, STACKYARD_SEAL_KEY_FILE: "x" }, "are both set"],
    [
      { STACKYARD_SEAL_KEY: key, STACKYARD_SEAL_KMS_KEY: kms },
      "STACKYARD_SEAL_KEY and STACKYARD_SEAL_KMS_KEY are both",
    ],
    [
      { STACKYARD_SEAL_KEY_FILE: "x", STACKYARD_SEAL_KMS_KEY: kms },
      "STACKYARD_SEAL_KEY_FILE and STACKYARD_SEAL_KMS_KEY are both",
    ],
    [{ STACKYARD_SEAL_KMS_KEY: `${kms},my-key` }, "STACKYARD_SEAL_KMS_KEY must be ARNs of keys"],
    [{ STACKYARD_SEAL_KMS_KEY: kms, YARD_NAME: "two words" }, "YARD_NAME must be 1 to 64 letters"],
    [{ STACKYARD_SEAL_KEY_FILE: join(folder, "missing") }, "The file of STACKYARD_SEAL_KEY_FILE cannot be read"],
    [{ STACKYARD_SEAL_KEY_FILE: join(folder, "empty") }, "The file of STACKYARD_SEAL_KEY_FILE is empty"],
  ])("refuses case %#, and shows no key", async (env, message) => {
    const refused = await loadSealer(env, deps).catch((error) => error);

    expect(refused).toMatchObject({ code: "CONFIG_INVALID", message: expect.stringContaining(message) });
    expect(refused.message).not.toContain("hunter22");
    expect(createAws).not.toHaveBeenCalled();
  });

  it("has data keys of KMS, in the region of the key and for the yard", async () => {
    const server = await startKms();
    const session = { name: "test" };
    const clientConfig = { endpoint: server.url, credentials: { accessKeyId: "a", secretAccessKey: "b" } };
    const openAws = vi.fn((region: string) => createAwsAccess({ clock: systemClock, region, session, clientConfig }));
    const env = { STACKYARD_SEAL_KMS_KEY: kms, YARD_NAME: "blue" };
    const sealer = await loadSealer(env, { createAws: openAws });

    const opened = await sealer?.open(await sealer.seal(bytes));
    await server.stop();

    expect(opened).toEqual(bytes);
    expect(openAws.mock.calls).toEqual([["eu-west-1"]]);
    const EncryptionContext = { "stackyard:yard": "blue", "stackyard:purpose": "seal" };
    expect(server.requests).toMatchObject([
      { KeyId: kms, EncryptionContext },
      { KeyId: kms, EncryptionContext },
    ]);
  });

  it("of stackyard dev keeps its key in a file of the data folder that only the owner can read", async () => {
    const dataDir = join(folder, "data");
    const load = async (env: Record<string, string>) => (await loadSealer(env, { createAws, dataDir })) as Sealer;
    const sealed = await (await load({})).seal(bytes);

    expect(await (await load({})).open(sealed)).toEqual(bytes);
    expect(statSync(join(dataDir, "seal-key")).mode & 0o777).toBe(0o600);
    expect(await (await load({ STACKYARD_SEAL_KEY: key })).open(sealed)).toBeUndefined();
  });
});
