import { Type } from "typebox";
import { Instant } from "./event.ts";
import type { View } from "./view.ts";

const nullableText = Type.Union([Type.String(), Type.Null()]);
const count = Type.Integer({ minimum: 0 });
const place = { account: Type.String(), region: Type.String() };

/** One version of a build artifact over all consumers that should have it. */
export const ArtifactCoverage = Type.Object({
  name: Type.String(),
  version: Type.String(),
  manifestSha256: { ...nullableText, description: "Null for a version that is not published: it has a refusal." },
  publishedAt: Type.Union([Instant, Type.Null()]),
  refusal: Type.Optional(
    Type.Object(
      {
        key: Type.String({ description: "Of the manifest or upload." }),
        code: Type.String(),
        reason: Type.String(),
        at: Type.String({ description: "When the distributor looked last." }),
        retryUntil: { ...nullableText, description: "It looks again until then; null: it has given up." },
      },
      { description: "Why the object of the bucket that was written last is not published." },
    ),
  ),
  covered: Type.Boolean({
    description: "It has arrived wherever it is expected, and at least one consumer expects it.",
  }),
  silent: Type.Optional({ ...count, description: "Consumers of the first generation, which cannot report." }),
  retired: Type.Boolean(),
  cells: Type.Array(
    Type.Object({
      ...place,
      status: Type.Enum(["expected", "announced", "stored", "present", "failed", "rejected", "overdue"]),
      code: { ...nullableText, description: "Of the first file that failed or was refused." },
      files: count,
      filesDone: count,
      announcements: count,
      verified: Type.Boolean({ description: "Every digest was compared." }),
      at: Type.String({ description: "When the status was reached." }),
    }),
  ),
});
export type ArtifactCoverage = View<typeof ArtifactCoverage>;

/** A consumer of build artifacts. */
export const ArtifactConsumer = Type.Object({
  ...place,
  bucket: nullableText,
  generation: Type.Enum(["v1", "v2"]),
  capabilities: Type.Array(Type.String()),
  firstSeenAt: Type.String(),
  lastReceiptAt: nullableText,
  registered: Type.Boolean(),
  distrustedAt: { ...nullableText, description: "Since when its account is not trusted. Null: it is." },
  unsubscribedAt: {
    ...nullableText,
    description: "Since when the topic has no subscription of it, so that nothing reaches it. Null: it has one.",
  },
});
export type ArtifactConsumer = View<typeof ArtifactConsumer>;

/** The announcements of a refresh. */
export const ArtifactRefresh = Type.Object({ files: count, messages: count });
export type ArtifactRefresh = View<typeof ArtifactRefresh>;

/** A replay that was started. */
export const ArtifactReplay = Type.Object({ executionArn: Type.String(), startedAt: Type.String() });
export type ArtifactReplay = View<typeof ArtifactReplay>;
