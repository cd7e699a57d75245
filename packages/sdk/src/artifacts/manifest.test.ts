import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  digestManifest,
  MAX_MANIFEST_BYTES,
  type Manifest,
  type ManifestFile,
  parseManifest,
  toManifestText,
} from "./manifest.ts";

const MIB = 1_024 ** 2;
const SHA256 = "ab".repeat(32);

function aFile(over: Partial<ManifestFile> = {}): ManifestFile {
  return { key: "billing-api/1.4.2/app.zip", size: 1_234, sha256: SHA256, ...over };
}

function aManifest(over: object = {}): Manifest {
  const files = [aFile()];
  return { v: 1, name: "billing-api", version: "1.4.2", createdAt: "2026-11-20T06:00:00Z", files, ...over };
}

function pointers(manifest: object): readonly string[] {
  const parsed = parseManifest(JSON.stringify(manifest));
  return parsed.kind === "manifest" ? [] : parsed.problems.map(({ pointer }) => pointer);
}

const withParts = (size: number, ...sizes: readonly number[]) =>
  aManifest({ files: [aFile({ size, parts: sizes.map((each) => ({ size: each, sha256: SHA256 })) })] });

describe("parseManifest", () => {
  it("reads a manifest", () => {
    const manifest = aManifest({ labels: { commit: "1f2e", "team/owner": "" } });

    expect(parseManifest(JSON.stringify(manifest))).toEqual({ kind: "manifest", manifest });
  });

  it.each([
    ["no JSON", "{", ""],
    ["no object", "[]", ""],
    ["another version", JSON.stringify(aManifest({ v: 2 })), "/v"],
    ["a name that is a path upwards", JSON.stringify(aManifest({ name: "a/../b" })), "/name"],
    ["the probe's name", JSON.stringify(aManifest({ name: "stackyard.probe" })), "/name"],
    ["an unknown member", JSON.stringify(aManifest({ extra: 1 })), ""],
    ["a prototype", JSON.stringify(aManifest()).replace("{", '{"__proto__":{},'), ""],
    ["an invalid day", JSON.stringify(aManifest({ createdAt: "2026-13-20T06:00:00Z" })), "/createdAt"],
    ["no file", JSON.stringify(aManifest({ files: [] })), "/files"],
    [
      "a digest in capitals",
      JSON.stringify(aManifest({ files: [aFile({ sha256: "AB".repeat(32) })] })),
      "/files/0/sha256",
    ],
    ["a label of two lines", JSON.stringify(aManifest({ labels: { commit: "a\nb" } })), "/labels/commit"],
    ["a label that is a number", JSON.stringify(aManifest({ labels: { build: 7 as never } })), "/labels/build"],
    ["a label's name of two lines", JSON.stringify(aManifest({ labels: { "a\nb": "x" } })), "/labels"],
    ["a label without a name", JSON.stringify(aManifest({ labels: { "": "x" } })), "/labels"],
    ["too much text", " ".repeat(MAX_MANIFEST_BYTES + 1), ""],
  ])("rejects %s and says where", (_what, text, pointer) => {
    const parsed = parseManifest(text);

    expect(parsed.kind === "invalid" && parsed.problems.map((problem) => problem.pointer)).toContain(pointer);
  });

  it("rejects more than 1,000 files and more than 50 labels", () => {
    const files = Array.from({ length: 1_001 }, (_, index) => aFile({ key: `a/${index}` }));
    const labels = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`l${index}`, "x"]));

    expect(pointers(aManifest({ files }))).toContain("/files");
    expect(pointers(aManifest({ files: files.slice(1) }))).toEqual([]);
    expect(pointers(aManifest({ labels }))).toContain("/labels");
  });

  it.each(["/a", "a/", "a//b", "a/../b", "a/%2e%2e/b", "a/%252e%252e/b", ".stackyard/a", "a\\b", "a\u0000", "a\ud800"])(
    "refuses the key %j",
    (key) => expect(pointers(aManifest({ files: [aFile({ key })] }))).toEqual(["/files/0/key"]),
  );

  it("rejects a duplicate key, and lists every fault", () => {
    const files = [aFile(), aFile(), aFile({ key: "a", size: 65 * MIB })];

    expect(pointers(aManifest({ files }))).toEqual(["/files/1/key", "/files/2"]);
  });

  it.each([
    [64 * MIB, undefined],
    [64 * MIB, [64 * MIB]],
    [65 * MIB, [64 * MIB, MIB]],
    [128 * MIB, [64 * MIB, 64 * MIB]],
    [16 * MIB + 1, [8 * MIB, 8 * MIB, 1]],
  ])("takes %i bytes in the parts %j", (size, sizes) => {
    const manifest = sizes === undefined ? aManifest({ files: [aFile({ size })] }) : withParts(size, ...sizes);

    expect(pointers(manifest)).toEqual([]);
  });

  it.each([
    ["another sum", withParts(100 * MIB, 64 * MIB, 35 * MIB), "/files/0/parts"],
    ["parts that differ", withParts(96 * MIB, 64 * MIB, 8 * MIB, 24 * MIB), "/files/0/parts"],
    ["parts that are too small", withParts(8 * MIB, 4 * MIB, 4 * MIB), "/files/0/parts/0/size"],
    ["parts that are too large", withParts(6_000 * MIB, 6_000 * MIB), "/files/0/parts/0/size"],
    ["a last part that is larger", withParts(24 * MIB, 8 * MIB, 16 * MIB), "/files/0/parts/1/size"],
    ["a last part that is empty", withParts(8 * MIB, 8 * MIB, 0), "/files/0/parts/1/size"],
  ])("rejects %s", (_what, manifest, pointer) => {
    expect(pointers(manifest)).toEqual([pointer]);
  });

  it("judges whatever text there is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const parsed = parseManifest(text);

        expect(parsed.kind === "manifest" || parsed.problems.length > 0).toBe(true);
      }),
    );
  });
});

describe("toManifestText", () => {
  it("has sorted members and no spaces", () => {
    expect(toManifestText(aManifest({ labels: { b: "2", a: "1" } }))).toBe(
      `{"createdAt":"2026-11-20T06:00:00Z","files":[{"key":"billing-api/1.4.2/app.zip","sha256":"${SHA256}","size":1234}],` +
        `"labels":{"a":"1","b":"2"},"name":"billing-api","v":1,"version":"1.4.2"}`,
    );
  });

  it("gives equal manifests one text and one digest, and is read as what it was made of", () => {
    const label = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,10}$/);
    fc.assert(
      fc.property(fc.dictionary(label, fc.string({ maxLength: 20 })), (labels) => {
        const manifest = aManifest({ labels });
        const turned = Object.fromEntries(Object.entries(aManifest({ labels: turn(labels) })).toReversed());

        const text = toManifestText(manifest);

        expect(toManifestText(turned as Manifest)).toBe(text);
        expect(digestManifest(text)).toMatch(/^[0-9a-f]{64}$/);
        expect(parseManifest(text)).toEqual({ kind: "manifest", manifest });
      }),
    );
  });
});

function turn(labels: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(labels).toReversed());
}
