import { describe, expect, it } from "vitest";
import type { ImageFacts } from "../lookups/load-image.ts";
import { aService } from "../testing/a-release.ts";
import { found, notFound } from "../testing/some-look-ups.ts";
import { findImageProblems, findImageWarnings } from "./judge-image.ts";

const OWNER = { account: "111122223333" };

function looksOf(image: Partial<ImageFacts>, types: readonly string[] = ["t3.micro"]) {
  const [instance_type = "", ...instance_types] = types;
  return { image: found({ id: "ami-1", tags: {}, ...image }), service: aService({ instance_type, instance_types }) };
}

describe("findImageProblems", () => {
  it.each(["pending", "failed", "deregistered"])("refuses an image that is %s", (state) => {
    expect(findImageProblems(looksOf({ state }))).toEqual([
      {
        code: "release-image-not-available",
        message: `Image ami-1 is ${state}. It can be used when it is available.`,
      },
    ]);
  });

  it("takes one that is available, and one of which nothing is known", () => {
    expect(findImageProblems(looksOf({ state: "available" }))).toEqual([]);
    expect(findImageProblems(looksOf({}))).toEqual([]);
  });

  it.each([
    ["x86_64", ["m6g.large", "t3.micro", "im4gn.large", "a1.medium"], "m6g.large, im4gn.large, a1.medium"],
    ["arm64", ["m6g.large", "g4dn.xlarge", "c7gn.large"], "g4dn.xlarge"],
  ])("names the types that cannot run an image for %s", (architecture, types, expected) => {
    expect(findImageProblems(looksOf({ architecture }, types))).toEqual([
      {
        code: "release-image-architecture",
        message: `Image ami-1 is for ${architecture}, and instances of ${expected} are not.`,
      },
    ]);
  });

  it.each([
    ["of Macs", "arm64_mac", "mac2.metal"],
    ["of a 32-bit image", "i386", "t2.micro"],
    ["of accelerators", "arm64", "p6e-gb200.36xlarge"],
    ["of a type whose name it does not know", "arm64", "odd"],
  ])("says nothing %s", (_, architecture, type) => {
    expect(findImageProblems(looksOf({ architecture }, [type]))).toEqual([]);
  });
});

describe("findImageWarnings", () => {
  it("tells of an image of another account", () => {
    expect(findImageWarnings(looksOf({ owner: "999900001111" }), OWNER)).toEqual([
      "Image ami-1 is of account 999900001111: whoever owns it decides what boots.",
    ]);
    expect(findImageWarnings(looksOf({ owner: OWNER.account }), OWNER)).toEqual([]);
  });

  it("has nothing to say of an image that is not there", () => {
    const looks = { ...looksOf({}), image: notFound("release-image-missing", "No.") };

    expect([findImageProblems(looks), findImageWarnings(looks, OWNER)]).toEqual([[], []]);
  });
});
