import type { ArtifactsClient } from "../server-options.ts";

const at = "2030-01-01T00:00:00.000Z";
const place = { account: "111122223333", region: "eu-west-1" };

/** A distributor with one version, which one consumer has. */
export const fakeArtifacts: ArtifactsClient = {
  coverage: async ({ cursor }) => ({
    rows: [
      {
        name: "app",
        version: cursor === undefined ? "2" : "1",
        manifestSha256: "a".repeat(64),
        publishedAt: at,
        covered: true,
        retired: false,
        cells: [
          { ...place, status: "present", code: null, files: 1, filesDone: 1, announcements: 1, verified: true, at },
        ],
      },
    ],
    ...(cursor === undefined && { cursor: "next" }),
  }),
  consumers: async () => ({
    items: [
      {
        ...place,
        bucket: null,
        generation: "v2",
        capabilities: [],
        firstSeenAt: at,
        lastReceiptAt: null,
        registered: true,
        distrustedAt: null,
        unsubscribedAt: null,
      },
    ],
  }),
  refresh: async () => ({ files: 1, messages: 1 }),
  replay: async () => ({ executionArn: "arn:aws:states:eu-west-1:111122223333:execution:a:b", startedAt: at }),
};
