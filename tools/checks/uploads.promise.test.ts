import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { S3Client } from "@aws-sdk/client-s3";
import { createAwsAccess } from "@stackyard/aws";
import { createS3Records } from "@stackyard/aws/s3";
import { createAwsSim, createSimPlugin } from "@stackyard/aws-sim";
import { createFakeClock } from "@stackyard/core/testing";
import { publishArtifact } from "@stackyard/sdk/artifacts";
import { describe, expect, it } from "vitest";
import { createTargetBucket } from "../../packages/consumer/src/copy/target-bucket.ts";
import { publishFile as publishRelease } from "../../packages/deployment/src/published-objects.ts";
import { putManifest } from "../../packages/distributor/src/source-bucket.ts";
import { createBucketMemory } from "../../packages/executor-asg/src/deploy/bucket-memory.ts";
import { createS3LockFiles } from "../../packages/executor-asg/src/locks/lock-stores.ts";
import { createClaimChecks } from "../../packages/transport-sqs/src/claim-check.ts";
import { repositoryRoot } from "./published-packages.ts";

const PLACE = { account: "111122223333", region: "eu-west-1" };
const BUCKET = "theirs";
const SHA_256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";

/** A process whose bucket denies uploads without the header. */
function createWorld(uploads: { readonly kind: "AES256" } | undefined) {
  const clock = createFakeClock();
  const sim = createAwsSim({ clock });
  sim.s3.createBucket({ ...PLACE, name: BUCKET, versioned: true });
  sim.s3.demandEncryption(BUCKET);
  const access = createAwsAccess({
    clock,
    region: PLACE.region,
    credentials: sim.iam.addUser({ account: PLACE.account, name: "app" }),
    session: { name: "app" },
    retriesDenials: false,
    maxAttempts: 1,
    plugins: [createSimPlugin(sim)],
    uploads,
  });
  return { clock, sim, client: access.client(S3Client, undefined) };
}
type World = ReturnType<typeof createWorld>;

const MANIFEST = {
  v: 1,
  name: "shop",
  version: "1",
  createdAt: "2026-01-01T00:00:00Z",
  files: [{ key: "shop/1/a", size: 1, sha256: SHA_256 }],
} as const;

const { signal } = new AbortController();
const openTarget = ({ client }: World) => createTargetBucket({ client, bucket: BUCKET, account: PLACE.account });
const publish = ({ client }: World, body: Uint8Array | Readable) =>
  publishArtifact({ client, bucket: BUCKET, name: "shop", version: "1", files: [{ path: "a", body }], signal });

/** The modules that begin objects in S3, and how each is made to do so. */
const WRITERS: Readonly<Record<string, readonly ((world: World) => Promise<unknown>)[]>> = {
  "packages/aws/src/s3/s3-records.ts": [
    ({ client, clock }) =>
      createS3Records({ client, clock, bucket: BUCKET }).put({
        key: "a",
        value: 1,
        expected: "absent",
        now: 0,
      }),
  ],
  "packages/consumer/src/copy/target-bucket.ts": [
    (world) => {
      const bytes = { size: 1, sha256: SHA_256, body: () => Readable.from([Buffer.from("x")]) };
      return openTarget(world).put({ key: "a", bytes, facts: { metadata: {} }, signal }, "any");
    },
    (world) => openTarget(world).begin("a", { metadata: {} }),
  ],
  "packages/deployment/src/published-objects.ts": [
    ({ client }) => {
      const file = { kind: "app", name: "yard", version: "1.0.0", body: Buffer.from("x"), sha256: SHA_256 } as const;
      return publishRelease(client, { bucket: BUCKET, prefix: "" }, file);
    },
  ],
  "packages/distributor/src/source-bucket.ts": [
    ({ client: s3 }) => putManifest({ s3, bucket: BUCKET, prefix: "" }, { ...MANIFEST, files: [...MANIFEST.files] }),
  ],
  // The halt file, with the client of the memory below.
  "packages/executor-asg/src/commands/deployer-place.ts": [],
  "packages/executor-asg/src/deploy/bucket-memory.ts": [
    ({ client: s3, clock }) =>
      createBucketMemory({ s3, bucket: BUCKET, clock, generation: "odin" }).storeDocument(
        { aws_account_id: PLACE.account, project_name: "org/web", config_name: "prod", release_id: "r1" },
        { document: {}, userData: "x" },
      ),
  ],
  "packages/executor-asg/src/locks/lock-stores.ts": [
    ({ client }) => createS3LockFiles({ client, bucket: BUCKET }).put("a", "{}", "absent"),
  ],
  "packages/sdk/src/artifacts/publish-artifact.ts": [(world) => publish(world, Buffer.from("x"))],
  "packages/sdk/src/artifacts/upload-file.ts": [
    (world) => publish(world, Readable.from(Array.from({ length: 20 }, () => Buffer.alloc(1_048_576)))),
  ],
  "packages/transport-sqs/src/claim-check.ts": [
    ({ client: s3 }) =>
      createClaimChecks({ s3, bucket: BUCKET }).check({ body: "x", attributes: {}, groupId: "", deduplicationId: "" }),
  ],
};

const BEGINS = /new (PutObject|CopyObject|CreateMultipartUpload)Command\b|from "@aws-sdk\/lib-storage"/;
/** Signs URLs of downloads only. */
const OWN_CLIENTS = ["packages/distributor/src/url-signer.ts"];

/** These begin no objects: custom resources of ECS, the fleet's downloads, its checks, prices. */
const WITHOUT_UPLOADS = [
  "apps/ecs-task/src/create-app.ts",
  "apps/fleet/src/create-fleet-app.ts",
  "packages/executor-runcommand/src/commands/load-fleet-facts.ts",
  "packages/previews/src/prices/prices-refresh.ts",
];

const SOURCES = globSync(["packages/*/src/**/*.ts", "apps/*/src/**/*.ts"], { cwd: repositoryRoot })
  .filter((file) => !/\.test\.ts$|\/testing\//.test(file))
  .map((file) => ({ file, text: readFileSync(join(repositoryRoot, file), "utf8") }));

const filesWith = (pattern: RegExp) =>
  SOURCES.filter(({ text }) => pattern.test(text))
    .map(({ file }) => file)
    .toSorted();

// aws/copilot-cli#3852, aws/amazon-ssm-agent#315, rancher/backup-restore-operator#176
describe("an upload where a policy demands the header of encryption", () => {
  it.each(
    Object.entries(WRITERS).flatMap(([file, plays]) => plays.map((play, index) => [file, index + 1, play] as const)),
  )("by %s (%i) is taken with the setting and denied without", async (_file, _index, play) => {
    const [denied, taken] = [createWorld(undefined), createWorld({ kind: "AES256" })];

    await expect(play(denied)).rejects.toThrow(/STACKYARD_S3_ENCRYPTION|refuses the file \(AccessDenied\)/);
    await play(taken);

    const begun = taken.sim.calls.filter(({ operation }) => /^S3\.(Put|Copy|CreateM)/.test(operation));
    expect(begun.length).toBeGreaterThan(0);
    for (const { input } of begun) expect(input).toHaveProperty("ServerSideEncryption");
  });

  it("is played for each module that begins objects", () => {
    expect(filesWith(BEGINS)).toEqual(Object.keys(WRITERS).toSorted());
  });

  it("has a client of an access to AWS, and each access has the setting", () => {
    expect(SOURCES.length).toBeGreaterThan(1_000);
    expect(filesWith(/new S3Client\(/)).toEqual(OWN_CLIENTS);
    const withS3 = filesWith(/createAwsAccess\(/).filter((file) => !WITHOUT_UPLOADS.includes(file));
    const without = withS3.filter((file) => !filesWith(/\buploads\b/).includes(file));
    expect(without).toEqual([]);
    expect(withS3.length).toBeGreaterThan(6);
  });
});
