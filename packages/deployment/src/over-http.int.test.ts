// @module-tag adapter
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { CreateBucketCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import { buildApp } from "fauxqs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AppsAws, openAppsAws } from "./apps-command.ts";
import { BUCKET } from "./testing/a-cloud.ts";
import { writeRelease } from "./testing/a-release.ts";
import { makeProject } from "./testing/run-command.ts";

const server = buildApp({ logger: false });
const project = makeProject();
let aws: AppsAws;

beforeAll(async () => {
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const environment = {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "x",
    AWS_SECRET_ACCESS_KEY: "x",
  };
  aws = openAppsAws({ environment, yards: {} }, "main");
  await aws.s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
});

afterAll(async () => {
  aws.s3.destroy();
  await server.close();
  project.remove();
});

it("publishes to an emulator by the variables of the environment, byte for byte, and once", async () => {
  writeRelease(join(project.folder, "dist/release"), { zips: { "state-manager": "PK\u0003\u0004\u0000ÿ" } });

  const first = await project.run(aws, "apps publish", { bucket: BUCKET });
  const second = await project.run(aws, "apps publish", { bucket: BUCKET });

  expect(first.results).toMatchObject([{ action: "uploaded" }, { action: "uploaded" }]);
  expect(second.results).toMatchObject([{ action: "present" }, { action: "present" }]);
  const at = { Bucket: BUCKET, Key: "state-manager/0.1.0/state-manager.zip" };
  const { Body, ContentType } = await aws.s3.send(new GetObjectCommand(at));
  expect([await Body?.transformToString(), ContentType]).toEqual(["PK\u0003\u0004\u0000ÿ", "application/zip"]);
});
