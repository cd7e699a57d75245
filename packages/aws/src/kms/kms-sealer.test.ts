import { randomBytes } from "node:crypto";
import {
  DecryptCommand,
  type DecryptCommandInput,
  DisabledException,
  GenerateDataKeyCommand,
  IncorrectKeyException,
  InvalidCiphertextException,
  KMSClient,
  KMSServiceException,
} from "@aws-sdk/client-kms";
import { createFakeClock } from "@stackyard/core/testing";
import { mockClient } from "aws-sdk-client-mock";
import { describe, expect, it } from "vitest";
import { createKmsSealer } from "./kms-sealer.ts";

const OLD = "arn:aws:kms:eu-west-1:111122223333:key/old";
const NEW = "arn:aws:kms:eu-west-1:111122223333:key/new";
const text = Buffer.from("secret value");
const $metadata = {};

/** A KMS whose ciphertexts name their key and context, as real ones are bound to both. */
function createBench() {
  const clock = createFakeClock();
  const client = new KMSClient({ region: "eu-west-1", credentials: { accessKeyId: "a", secretAccessKey: "b" } });
  const kms = mockClient(client);
  const disabled = new Set<string>();
  const issued = new Map<string, { readonly keyArn: string; readonly context: string; readonly key: Uint8Array }>();
  let failure: Error | undefined;

  function check(keyArn: string | undefined): void {
    if (failure !== undefined) throw failure;
    if (disabled.has(keyArn ?? "")) throw new DisabledException({ message: "The key is disabled.", $metadata });
  }

  kms.on(GenerateDataKeyCommand).callsFake(({ KeyId, KeySpec, EncryptionContext }) => {
    check(KeyId);
    expect(KeySpec).toBe("AES_256");
    const key = randomBytes(32);
    const blob = randomBytes(184);
    issued.set(blob.toString("hex"), { keyArn: KeyId, context: JSON.stringify(EncryptionContext), key });
    return { Plaintext: key, CiphertextBlob: blob };
  });
  kms.on(DecryptCommand).callsFake(({ KeyId, CiphertextBlob = text, EncryptionContext }: DecryptCommandInput) => {
    check(KeyId);
    const found = issued.get(Buffer.from(CiphertextBlob).toString("hex"));
    if (found === undefined || found.context !== JSON.stringify(EncryptionContext)) {
      throw new InvalidCiphertextException({ message: "", $metadata });
    }
    if (found.keyArn !== KeyId) throw new IncorrectKeyException({ message: "", $metadata });
    return { Plaintext: found.key };
  });
  return {
    kms,
    clock,
    disable: (keyArn: string) => void disabled.add(keyArn),
    fail: (error: Error) => {
      failure = error;
    },
    create: (keyArns = [NEW], yard = "main") => createKmsSealer({ client, keyArns, yard, clock }),
    count: (command: typeof GenerateDataKeyCommand | typeof DecryptCommand) =>
      kms.commandCalls(command as never).length,
  };
}

describe("a sealer of KMS", () => {
  it("opens in another process what it sealed, for the yard and the purpose", async () => {
    const { create, kms } = createBench();
    const sealed = await create().seal(text);

    const opened = await create().open(sealed);

    expect(opened).toEqual(text);
    expect(Buffer.from(sealed).includes("secret")).toBe(false);
    expect(kms.commandCalls(GenerateDataKeyCommand)[0]?.args[0].input).toEqual({
      KeyId: NEW,
      KeySpec: "AES_256",
      EncryptionContext: { "stackyard:yard": "main", "stackyard:purpose": "seal" },
    });
    expect(await create([NEW], "other").open(sealed)).toBeUndefined();
  });

  it("opens what an older key sealed, while it has that key", async () => {
    const { create } = createBench();
    const sealed = await create([OLD]).seal(text);

    expect(await create([NEW, OLD]).open(sealed)).toEqual(text);
    expect(await create([NEW]).open(sealed)).toBeUndefined();
  });

  it("calls KMS once for several seals at a time, and again after 5 minutes or 1,000 uses", async () => {
    const { create, clock, count } = createBench();
    const sealer = create();
    await Promise.all(Array.from({ length: 1_000 }, () => sealer.seal(text)));
    expect(count(GenerateDataKeyCommand)).toBe(1);

    await sealer.seal(text);
    expect(count(GenerateDataKeyCommand)).toBe(2);
    await clock.advance(300_000);
    await sealer.seal(text);

    expect(count(GenerateDataKeyCommand)).toBe(3);
  });

  it("keeps data keys to open for 5 minutes, and notices by then that the key was disabled", async () => {
    const { create, clock, count, disable } = createBench();
    const sealed = await create().seal(text);
    const sealer = create();
    await sealer.open(sealed);
    disable(NEW);

    expect(await sealer.open(sealed)).toEqual(text);
    expect(count(DecryptCommand)).toBe(1);
    await clock.advance(300_000);

    expect(await sealer.open(sealed)).toBeUndefined();
  });

  it("forgets the oldest of more than 1,000 data keys", async () => {
    const { create, count } = createBench();
    const sealer = create();
    const sealed = await Promise.all(Array.from({ length: 1_001 }, () => create().seal(text)));
    for (const each of sealed) await sealer.open(each);

    await sealer.open(sealed[1_000] ?? text);
    expect(count(DecryptCommand)).toBe(1_001);
    await sealer.open(sealed[0] ?? text);

    expect(count(DecryptCommand)).toBe(1_002);
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["a seal with a key of the environment", Buffer.concat([Buffer.of(1), randomBytes(60)])],
    ["no data key", Buffer.from([2, 0, 0, 1])],
    ["a cut data key", Buffer.from([2, 255, 255, 1])],
    ["a data key of others", Buffer.concat([Buffer.from([2, 0, 16]), randomBytes(80)])],
  ])("opens %s not", async (_, bytes) => {
    expect(await createBench().create().open(bytes)).toBeUndefined();
  });

  it("opens nothing that was changed", async () => {
    const { create } = createBench();
    const sealer = create();
    const sealed = await sealer.seal(text);

    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(await sealer.open(changed)).toBeUndefined();
    }
  });

  it.each([
    ["ThrottlingException", 400, "RATE_LIMITED"],
    ["KMSInternalException", 500, "SERVER_ERROR"],
    ["KeyUnavailableException", 500, "SERVER_ERROR"],
  ])("throws %s, which says nothing about the seal", async (name, status, code) => {
    const { create, fail } = createBench();
    const sealer = create();
    const sealed = await sealer.seal(text);
    const $fault = status === 500 ? "server" : "client";
    fail(new KMSServiceException({ name, $fault, message: "Later", $metadata: { httpStatusCode: status } }));

    await expect(sealer.open(sealed)).rejects.toMatchObject({ code });
    await expect(create().seal(text)).rejects.toMatchObject({ code });
  });

  it("requests a data key again after a failure, and says what the role lacks", async () => {
    const { create, disable } = createBench();
    const sealer = create();
    disable(NEW);

    await expect(sealer.seal(text)).rejects.toThrow("Allow kms:GenerateDataKey on the key to the role.");
    await expect(sealer.seal(text)).rejects.toThrow("The key is disabled.");
    expect(() => create([])).toThrow(expect.objectContaining({ code: "CONFIG_INVALID" }));
  });
});
