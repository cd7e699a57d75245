import { describe, expect, it, onTestFinished } from "vitest";
import { createCommandWorld } from "../testing/a-command-world.ts";
import { openAws } from "./open-aws.ts";

describe("S3 of the commands", () => {
  it("is used by path only where the environment names an emulator", async () => {
    const [usual, emulated] = [{}, { pathStyle: true }].map((place) => openAws({ region: "eu-west-1", ...place }));

    expect([usual?.s3.config.forcePathStyle, emulated?.s3.config.forcePathStyle]).toEqual([false, true]);
  });

  it("is opened so by a command", async () => {
    const world = createCommandWorld();
    onTestFinished(() => world.remove());
    world.write("app.zip", "app");
    const args = { name: "billing-api", version: "1.4.2", path: "app.zip", bucket: "source" };
    const endpoints = [
      {},
      { AWS_ENDPOINT_URL: "http://localhost:4566" },
      { AWS_ENDPOINT_URL_S3: "https://s3.example" },
    ];

    for (const environment of endpoints) await world.run("artifacts publish", args, { environment });

    expect(world.opened.aws).toEqual([{}, { pathStyle: true }, {}]);
  });
});
