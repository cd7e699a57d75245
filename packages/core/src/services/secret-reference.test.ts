import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Check } from "typebox/value";
import { describe, expect, it } from "vitest";
import { createSecretReader, SecretReferenceSchema } from "./secret-reference.ts";

async function createFixture() {
  const folder = await mkdtemp(join(tmpdir(), "secrets-"));
  await writeFile(join(folder, "hook"), "of the file\n");
  const environment = { HOOK: "of the environment", EMPTY: " " };
  const readAwsSecret = async (arn: string) => `of ${arn}`;
  return createSecretReader({ environment, resolvePath: (path) => join(folder, path), readAwsSecret });
}

const ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hook-AbCdEf";

describe("a reader of secrets", () => {
  it.each([
    [{ env: "HOOK" }, "of the environment"],
    [{ file: "hook" }, "of the file"],
    [{ secret: ARN }, `of ${ARN}`],
  ])("reads %j", async (reference, secret) => {
    const read = await createFixture();

    expect(await read(reference)).toBe(secret);
  });

  it.each([[{ env: "MISSING" }], [{ env: "EMPTY" }], [{ file: "missing" }]])(
    "refuses %j, which has none",
    async (given) => {
      const read = await createFixture();

      await expect(read(given)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    },
  );

  it.each(["a literal", {}, { env: "" }, { env: "A B" }, { env: "A", file: "b" }, { secret: "name" }, { file: "" }])(
    "does not take %j for a reference",
    (value) => {
      expect(Check(SecretReferenceSchema, value)).toBe(false);
    },
  );
});
