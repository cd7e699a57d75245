import { describe, expect, it } from "vitest";
import { openAppsAws } from "./apps-command.ts";

const environment = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret", AWS_REGION: "us-east-1" };

describe("AWS of the commands", () => {
  it("is that of the yard in the configuration", async () => {
    const { s3, cloudFormation } = openAppsAws(
      { environment, yards: { test: { type: "aws", region: "eu-west-1" } } },
      "test",
    );

    await expect(s3.config.region()).resolves.toBe("eu-west-1");
    await expect(cloudFormation.config.region()).resolves.toBe("eu-west-1");
  });

  it("uses the environment for a yard that the configuration does not name, including names of Object's own properties", async () => {
    for (const name of ["main", "constructor"]) {
      const { s3 } = openAppsAws({ environment, yards: {} }, name);
      await expect(s3.config.region()).resolves.toBe("us-east-1");
      await expect(s3.config.credentials()).resolves.toMatchObject({ accessKeyId: "AKIA" });
    }
  });

  it("uses S3 by path where another address is said", () => {
    const emulated = { ...environment, AWS_ENDPOINT_URL: "http://127.0.0.1:4566" };

    expect(openAppsAws({ environment: emulated, yards: {} }, "main").s3.config.forcePathStyle).toBe(true);
    expect(openAppsAws({ environment, yards: {} }, "main").s3.config.forcePathStyle).toBe(false);
  });

  it("rejects a yard that is the address of a server", () => {
    const yards = { team: { url: "https://yard.example.org" } };

    expect(() => openAppsAws({ environment, yards }, "team")).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });
});
