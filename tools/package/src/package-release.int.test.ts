import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { strFromU8, unzipSync } from "fflate";
import { createMessage, generateKey, readKey, readSignature, verify } from "openpgp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageRelease } from "./package-release.ts";
import { createSigner } from "./sign.ts";
import { makeRepository } from "./testing/a-repository.ts";
import { findBillFaults } from "./testing/bill-schema.ts";

const made: { remove(): void }[] = [];
afterAll(() => {
  for (const each of made) each.remove();
});

function aRepository(changes?: Readonly<Record<string, string>>) {
  const repository = makeRepository(changes);
  made.push(repository);
  return repository;
}

const revision = { version: "0.1.0", commit: "0123456789abcdef", at: "2026-01-01T00:00:00.000Z" };
const templates = [{ name: "yard", body: "{}" }];
const others = new Map([["stackyard-0.1.0.tar.gz", Buffer.from("packages")]]);

function build(root: string, changes: Partial<Parameters<typeof packageRelease>[0]> = {}) {
  return packageRelease({
    root,
    out: join(root, "out"),
    apps: [],
    revision,
    templates,
    others,
    signer: undefined,
    ...changes,
  });
}

/** A repository with a release of everything, which no test changes. */
let released = "";
let files: Awaited<ReturnType<typeof build>> = [];
beforeAll(async () => {
  ({ root: released } = aRepository());
  mkdirSync(join(released, "out"));
  writeFileSync(join(released, "out/old.zip"), "of the release before");
  files = await build(released);
});

const read = (root: string, name: string) => readFileSync(join(root, "out", name));

describe("a release", () => {
  it("has a zip and a bill for each app with a function, the templates, and a sum for every file", () => {
    const root = released;
    const names = [
      "bare-0.1.0.cdx.json",
      "bare-0.1.0.zip",
      "release.json",
      "stackyard-0.1.0.tar.gz",
      "tiny-0.1.0.cdx.json",
      "tiny-0.1.0.zip",
      "yard.template.json",
    ];
    expect(files.map(({ name }) => name)).toEqual(names);
    expect(readdirSync(join(root, "out")).sort()).toEqual(["SHA256SUMS", ...names]);
    const sums = names.map((name) => `${createHash("sha256").update(read(root, name)).digest("hex")}  ${name}\n`);
    expect(read(root, "SHA256SUMS").toString()).toBe(sums.join(""));
    expect(JSON.parse(read(root, "release.json").toString())).toEqual({
      version: "0.1.0",
      commit: "0123456789abcdef",
      apps: [
        { name: "bare", file: "bare-0.1.0.zip" },
        { name: "tiny", file: "tiny-0.1.0.zip" },
      ],
      templates: [{ name: "yard", file: "yard.template.json" }],
    });
  });

  it("is the same byte for byte when it is built again, also elsewhere", async () => {
    const { root } = aRepository();
    await build(root);

    for (const name of readdirSync(join(released, "out"))) {
      expect(read(root, name).equals(read(released, name)), name).toBe(true);
    }
  });

  it("is another when its sources are", async () => {
    const { root } = aRepository({ "apps/bare/src/index.ts": "export const handler = async () => 2;" });
    await build(root, { apps: ["bare"] });

    expect(read(root, "bare-0.1.0.zip").equals(read(released, "bare-0.1.0.zip"))).toBe(false);
  });

  it("has the handler's alias where the app exports one, and the licences of what is in it", () => {
    const tiny = unzipSync(read(released, "tiny-0.1.0.zip"));
    const bare = unzipSync(read(released, "bare-0.1.0.zip"));

    expect(Object.keys(tiny)).toEqual(["NOTICES.txt", "index.mjs", "src/index.mjs"]);
    expect(strFromU8(tiny["src/index.mjs"] ?? new Uint8Array())).toBe(
      'export { handler, lambdaHandler } from "../index.mjs";\n',
    );
    expect(strFromU8(tiny["NOTICES.txt"] ?? new Uint8Array())).toContain("@x/dep@1.2.3\n\nCopyright X");
    expect(Object.keys(bare)).toEqual(["NOTICES.txt", "index.mjs"]);
  });

  it("contains what is requested", async () => {
    const { root } = aRepository();

    const files = await build(root, { apps: ["bare"], templates: [], others: new Map() });

    expect(files.map(({ name }) => name)).toEqual(["bare-0.1.0.cdx.json", "bare-0.1.0.zip", "release.json"]);
    await expect(build(root, { apps: ["other"] })).rejects.toThrow(
      "Unknown app other. Valid apps: bare, container-only, tiny.",
    );
  });

  it("keeps the release before when a build fails, and says why", async () => {
    const { root } = aRepository();
    await build(root, { apps: ["bare"] });
    writeFileSync(join(root, "apps/bare/src/index.ts"), 'import "./missing.ts";');

    await expect(build(root)).rejects.toThrow(/The build of bare failed: .*missing\.ts/s);
    expect(readdirSync(join(root, "out"))).toContain("bare-0.1.0.zip");
  });

  it("has a signature for each file, of that file", async () => {
    const { root } = aRepository();
    const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: "Releases" }], format: "armored" });
    await build(root, { apps: ["bare"], signer: await createSigner(privateKey) });

    const verificationKeys = await readKey({ armoredKey: publicKey });
    for (const name of ["bare-0.1.0.zip", "bare-0.1.0.cdx.json", "release.json", "yard.template.json", "SHA256SUMS"]) {
      const signature = await readSignature({ armoredSignature: read(root, `${name}.asc`).toString() });
      const message = await createMessage({ binary: new Uint8Array(read(root, name)) });
      const { signatures } = await verify({ message, signature, verificationKeys });
      expect(await signatures[0]?.verified, name).toBe(true);
    }
  });
});

describe("a bill of materials", () => {
  it("fits CycloneDX's schema and names what is in the zip, and only that", () => {
    const bill = JSON.parse(read(released, "tiny-0.1.0.cdx.json").toString());

    expect(findBillFaults(bill)).toEqual([]);
    expect(bill).toMatchObject({
      metadata: {
        timestamp: "2026-01-01T00:00:00.000Z",
        component: {
          name: "tiny",
          hashes: [{ content: createHash("sha256").update(read(released, "tiny-0.1.0.zip")).digest("hex") }],
        },
        properties: [{ name: "stackyard:broughtByRuntime", value: "@aws-sdk/client-s3" }],
      },
      components: [
        {
          name: "@x/dep",
          version: "1.2.3",
          purl: "pkg:npm/%40x/dep@1.2.3",
          licenses: [{ expression: "MIT" }],
          hashes: [{ alg: "SHA-512", content: "07".repeat(64) }],
        },
        { name: "deep", version: "2.0.0", licenses: [{ expression: "(MIT OR Apache-2.0)" }] },
      ],
      dependencies: [
        { ref: "tiny@0.1.0", dependsOn: ["@x/dep@1.2.3", "deep@2.0.0"] },
        { ref: "@x/dep@1.2.3", dependsOn: ["deep@2.0.0"] },
        { ref: "deep@2.0.0", dependsOn: [] },
      ],
    });
    expect(bill.components).toHaveLength(2);
  });

  it("with a fault is found out by the schema", () => {
    expect(findBillFaults({ bomFormat: "CycloneDX", specVersion: "1.6", components: [{ name: "x" }] })).not.toEqual([]);
  });
});
