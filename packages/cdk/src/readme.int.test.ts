import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { App } from "aws-cdk-lib";
import { expect, it } from "vitest";
import { toParameterTable } from "./testing/parameter-table.ts";

const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");

it("lists every parameter of the templates", () => {
  const [, table] = /<!-- parameters -->\n([\s\S]*?)\n?<!-- \/parameters -->/.exec(readme) ?? [];

  expect(table).toBe(toParameterTable());
});

it("shows an app that can be synthesised", async () => {
  const [, source = ""] = /```ts\n\/\/ file: app\.ts\n([\s\S]*?)```/.exec(readme) ?? [];
  // In this package, so that what it imports is found.
  const folder = join(import.meta.dirname, "../temp/readme");
  mkdirSync(folder, { recursive: true });
  try {
    const file = join(folder, "app.ts");
    writeFileSync(file, source);
    const { app }: { readonly app: App } = await import(file);

    const { Resources } = app.synth().getStackByName("review-apps").template;
    const types = new Set(Object.values<{ Type: string }>(Resources).map(({ Type }) => Type));
    expect([...types].toSorted()).toEqual([
      "AWS::CloudWatch::Alarm",
      "AWS::DynamoDB::Table",
      "AWS::Events::Rule",
      "AWS::IAM::Policy",
      "AWS::IAM::Role",
      "AWS::Lambda::EventInvokeConfig",
      "AWS::Lambda::EventSourceMapping",
      "AWS::Lambda::Function",
      "AWS::Lambda::Permission",
      "AWS::Logs::LogGroup",
      "AWS::S3::Bucket",
      "AWS::S3::BucketPolicy",
      "AWS::SQS::Queue",
      "AWS::SQS::QueuePolicy",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
