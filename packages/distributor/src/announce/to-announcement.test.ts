import { decideMessage } from "@stackyard/consumer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aFile, anArtifact, SHA256 } from "../testing/an-artifact.ts";
import { type Announcement, type AnnouncementInput, toAnnouncement, toProbe, toRetirement } from "./to-announcement.ts";

const NOW = Date.UTC(2026, 10, 20, 6);
const SOURCE = { account: "111122223333", region: "eu-west-1", bucket: "dist-bucket" };
const PLACE = { account: "444455556666", region: "eu-central-1" };
const SIGNATURE =
  "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20261120%2Feu-west-1%2Fs3%2Faws4_request" +
  "&X-Amz-Date=20261120T060000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=00";

function anInput(over: Partial<AnnouncementInput> = {}): AnnouncementInput {
  const file = over.file ?? aFile({ versionId: "v1" });
  const path = file.key.split("/").map(encodeURIComponent).join("/");
  const url = {
    url: `https://dist-bucket.s3.eu-west-1.amazonaws.com/${path}?${SIGNATURE}`,
    expiresAt: NOW + 3_600_000,
  };
  return { artifact: anArtifact([file]), file, target: "ALL", source: SOURCE, url, issuedAt: NOW, ...over };
}

/** What a consumer makes of it, which is told the attributes apart from the body. */
function judge({ body, attributes }: Announcement, retire = false) {
  const messageAttributes = Object.fromEntries(
    Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue, dataType: "String" }]),
  );
  const config = { ...PLACE, topicArn: "t", sourceBucket: SOURCE.bucket, sourceRegion: SOURCE.region, retire };
  return decideMessage({ messageId: "m", body, messageAttributes }, config, NOW, () => undefined);
}

describe("toAnnouncement", () => {
  it("says everything of one file, and is filtered by account and region", () => {
    const input = anInput({ traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" });

    const { body, attributes } = toAnnouncement(input);

    expect(JSON.parse(body)).toEqual({
      ArtifactKey: "billing-api/1.4.2/app.zip",
      ArtifactUrl: input.url?.url,
      v: 2,
      distributionId: "6a1f5f0e-0000-4000-8000-000000000001",
      sequence: 1_042,
      issuedAt: "2026-11-20T06:00:00.000Z",
      urlExpiresAt: "2026-11-20T07:00:00.000Z",
      artifact: {
        name: "billing-api",
        version: "1.4.2",
        size: 1_234,
        sha256: SHA256,
        contentType: "application/zip",
        rewrite: "none",
      },
      source: { ...SOURCE, versionId: "v1" },
      target: { account: "ALL", region: "ALL" },
      manifest: { key: "billing-api/1.4.2/manifest.json", sha256: SHA256 },
    });
    expect(attributes).toEqual({
      account: "ALL",
      region: "ALL",
      v: "2",
      artifact: "billing-api@1.4.2",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
  });

  it("is for one consumer where that is named", () => {
    const { body, attributes } = toAnnouncement(anInput({ target: PLACE }));

    expect([JSON.parse(body).target, attributes]).toEqual([PLACE, expect.objectContaining(PLACE)]);
  });

  it("has a URL of the manifest for files in parts, and ends with the first of the two", () => {
    const manifestUrl = { url: "https://m.example/", expiresAt: NOW + 60_000 };

    const body = JSON.parse(toAnnouncement(anInput({ manifestUrl })).body);

    expect([body.manifest.url, body.urlExpiresAt]).toEqual(["https://m.example/", "2026-11-20T06:01:00.000Z"]);
  });

  it("has no URL where none is given, and is copied by identity then", () => {
    const { url: _, ...input } = anInput();

    const announcement = toAnnouncement(input);

    expect(JSON.parse(announcement.body)).not.toHaveProperty("ArtifactUrl");
    expect(judge(announcement).kind).toBe("copy");
  });

  it("is copied by consumers of both versions, and stays small, whatever the file is called", () => {
    const name = fc
      .string({ minLength: 1, maxLength: 200, unit: "grapheme" })
      .filter((text) => !/[\\/%\p{Cc}]/u.test(text));
    const target = fc.constantFrom("ALL" as const, PLACE);
    const versionId = fc.string({ minLength: 1, maxLength: 1_024, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(name, target, versionId, (text, to, id) => {
        const file = aFile({ key: `billing-api/1.4.2/_${text}`, versionId: id });

        const announcement = toAnnouncement(anInput({ file, target: to }));

        expect(judge(announcement).kind).toBe("copy");
        const { ArtifactKey, ArtifactUrl } = JSON.parse(announcement.body);
        expect([ArtifactKey, typeof ArtifactUrl]).toEqual([file.key, "string"]);
        expect(Buffer.byteLength(announcement.body)).toBeLessThan(24_576);
      }),
    );
  });

  it("is refused where ten of its like would not fit into a batch", () => {
    const url = { url: `https://a.example/${"a".repeat(30_000)}`, expiresAt: NOW };

    expect(() => toAnnouncement(anInput({ url }))).toThrow(expect.objectContaining({ code: "PAYLOAD_TOO_LARGE" }));
  });
});

describe("toRetirement", () => {
  it("names the file and has no URL", () => {
    const { url: _, ...input } = anInput({ target: PLACE });

    const retirement = toRetirement(input);

    expect(judge(retirement, true).kind).toBe("retire");
    const body = JSON.parse(retirement.body);
    expect(body).toMatchObject({ retire: true, ArtifactKey: "billing-api/1.4.2/app.zip", target: PLACE });
    expect(body).not.toHaveProperty("ArtifactUrl");
  });
});

describe("a retirement from a bucket without versions", () => {
  it("is read too", () => {
    const { url: _, ...input } = anInput({ target: PLACE, file: aFile() });

    expect(judge(toRetirement(input), true).kind).toBe("retire");
  });
});

describe("toProbe", () => {
  it("is answered without anything being copied", () => {
    const probe = toProbe({ target: PLACE, issuedAt: NOW, distributionId: "d" });

    expect(JSON.parse(probe.body)).toEqual({
      v: 2,
      distributionId: "d",
      issuedAt: "2026-11-20T06:00:00.000Z",
      artifact: { name: "stackyard.probe" },
      target: PLACE,
    });
    expect(judge(probe)).toMatchObject({ kind: "skip", code: "PROBE" });
  });
});
