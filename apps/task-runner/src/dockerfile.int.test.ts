import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const text = readFileSync(join(import.meta.dirname, "../Dockerfile"), "utf8");

/** The arguments of an instruction, in order. */
function list(instruction: string): readonly string[] {
  const joined = text.replaceAll("\\\n", "");
  return joined
    .split("\n")
    .flatMap((line) => (line.startsWith(`${instruction} `) ? [line.slice(instruction.length + 1)] : []));
}

describe("the image of the task runner", () => {
  it("takes one version of Terraform for both architectures, each by its own checksum", () => {
    const pinned = list("ADD").map((line) =>
      /^--checksum=sha256:([0-9a-f]{64}) +https:\/\/releases\.hashicorp\.com\/terraform\/([0-9.]+)\/terraform_\2_linux_(\w+)\.zip /.exec(
        line,
      ),
    );

    expect(pinned.map((match) => match?.[3])).toEqual(["amd64", "arm64"]);
    expect(new Set(pinned.map((match) => match?.[2])).size).toBe(1);
    expect(new Set(pinned.map((match) => match?.[1])).size).toBe(2);
  });

  it("names where the checksums are from", () => {
    const version = /terraform_([0-9.]+)_linux_amd64/.exec(text)?.[1];

    expect(text).toContain(`https://releases.hashicorp.com/terraform/${version}/terraform_${version}_SHA256SUMS`);
  });

  it("uses base images with a version tag", () => {
    const [global = ""] = text.split("\nFROM ");
    const images = [...global.matchAll(/^ARG (\w+)=(.+)$/gm)].map(([, name = "", image]) => [name, image] as const);
    const own = list("FROM").map((line) => / AS (.+)$/.exec(line)?.[1]);
    const bases = list("FROM").map((line) => line.replace(/ AS .+$/, ""));

    for (const [, image] of images) expect(image).toMatch(/^public\.ecr\.aws\/[a-z/]+:\d+\.\d+[.\d]*(-[a-z-]+)?$/);
    // The base of a stage is one of these or an earlier stage; no other image is used.
    const known = [...images.map(([name]) => `\${${name}}`), `terraform-\${TARGETARCH}`];
    expect(bases.filter((base) => !known.includes(base))).toEqual([]);
    expect(own).toEqual(expect.arrayContaining(["terraform-amd64", "terraform-arm64"]));
  });

  it("is a container unless the target is the function", () => {
    expect(list("FROM").at(-1)).toMatch(/ AS container$/);
    expect(list("CMD")).toEqual(['["index.handler"]', '["node", "main.mjs"]']);
  });

  it("does not run the container as root", () => {
    expect(list("USER")).toEqual(["node"]);
  });
});
