import { describe, expect, it } from "vitest";
import { FULL_RELEASES_APP } from "./testing/a-releases-app.ts";
import { FULL_YARD_PARAMETERS } from "./testing/a-yard.ts";
import { FULL_FLEET_APP, FULL_SERVICES_APP } from "./testing/an-app.ts";
import { FULL_CONSUMER_APP, FULL_DISTRIBUTOR_APP, ROLLOUT_APP } from "./testing/an-artifacts-app.ts";
import { findGrants, isAllowed } from "./testing/find-grants.ts";
import { findBody } from "./testing/find-template.ts";
import { resolveTemplate, toJson } from "./testing/resolve-template.ts";
import { toUploadEnvironment, toUploadPermissions } from "./upload-encryption.ts";

const KEY = "arn:aws:kms:eu-west-1:111122223333:key/4711";
const TEMPLATES = [
  ["yard", FULL_YARD_PARAMETERS, 2],
  ["fleet", FULL_FLEET_APP, 2],
  ["services", FULL_SERVICES_APP, 1],
  ["releases", FULL_RELEASES_APP, 1],
  ["distributor", FULL_DISTRIBUTOR_APP, 1],
  ["consumer", FULL_CONSUMER_APP, 1],
] as const;

/** Returns the app's functions with the variable: its value, and whether the role may encrypt with the key. */
function listWriters(name: string, parameters: Readonly<Record<string, string>>) {
  const template = resolveTemplate(JSON.parse(findBody(name, { inline: true })), parameters);
  return Object.entries(template.resources).flatMap(([id, { type, properties }]) => {
    const said = toJson(toJson(properties["Environment"])["Variables"])["STACKYARD_S3_ENCRYPTION"];
    if (type !== "AWS::Lambda::Function" || said === undefined) return [];
    const context = { "kms:ViaService": "s3.eu-west-1.amazonaws.com" };
    const call = { action: "kms:GenerateDataKey", resource: KEY, context };
    return [{ said, mayEncrypt: isAllowed(findGrants(template, id.replace(/Function$/, "Role")), call) }];
  });
}

describe("the encryption that uploads name", () => {
  it.each(TEMPLATES)("is a variable of the functions of %s, whose roles may use the key", (name, parameters, count) => {
    const writers = (S3Encryption: string) => listWriters(name, { ...parameters, S3Encryption });

    expect(writers(KEY)).toEqual(Array.from({ length: count }, () => ({ said: KEY, mayEncrypt: true })));
    expect(writers("AES256")).toEqual(Array.from({ length: count }, () => ({ said: "AES256", mayEncrypt: false })));
    expect(writers("")).toEqual(Array.from({ length: count }, () => ({ said: "", mayEncrypt: false })));
  });

  it("is passed to consumers by their roll-out", () => {
    const { resources } = resolveTemplate(JSON.parse(findBody("consumers-rollout", { inline: true })), {
      ...ROLLOUT_APP,
      S3Encryption: "AES256",
    });

    const said = { ParameterKey: "S3Encryption", ParameterValue: "AES256" };
    expect(resources["Consumers"]?.properties["Parameters"]).toContainEqual(said);
  });

  it("is a setting of constructs", () => {
    expect(toUploadEnvironment({})).toEqual({});
    expect(toUploadPermissions({})).toEqual([]);
    expect(toUploadPermissions({ uploadEncryption: "aws:kms" })).toEqual([]);
    expect(toUploadEnvironment({ uploadEncryption: KEY })).toEqual({ STACKYARD_S3_ENCRYPTION: KEY });
    expect(JSON.stringify(toUploadPermissions({ uploadEncryption: KEY }))).toContain(KEY);
  });
});
