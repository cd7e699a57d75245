import {
  defineCommand,
  defined,
  optionalFlag,
  optionalText,
  type PluginCommand,
  type PluginCommandContext,
  StackyardError,
  toPartition,
} from "@stackyard/core";
import { reportFindings } from "@stackyard/sdk/commands";
import { type Static, Type } from "typebox";
import { AwsCallError } from "../call-fleet.ts";
import { checkFleet, type FleetFinding } from "./check-fleet.ts";
import type { DoctorAws, DoctorPlace } from "./load-fleet-facts.ts";
import { runArgs } from "./to-run-config.ts";

const { tagKey, tagValue, account, region, role, externalId } = runArgs;
const Args = Type.Object({
  tagKey,
  tagValue,
  account,
  region,
  role,
  externalId,
  artifact: optionalText("Also check that instances may read it.", {
    pattern: "^s3://[^/]+/.+$",
    expected: "an address such as s3://bucket/key",
    placeholder: "s3://bucket/key",
  }),
  fromTags: optionalFlag("Also check what associations and targets require: that instances can read their own tags."),
});
type Args = Static<typeof Args>;

/** Opens AWS for one check. Tests pass their own. */
type OpenDoctorAws = (place: DoctorPlace, signal: AbortSignal) => DoctorAws | Promise<DoctorAws>;

/** Creates `fleet doctor`, which checks whether the instances of a fleet can receive commands. */
export function createFleetDoctor(open: OpenDoctorAws = openAws): PluginCommand {
  return defineCommand({
    name: "fleet doctor",
    summary: "Check whether the instances of a fleet can receive commands: agents, profiles, endpoints, metadata.",
    description:
      "Calls AWS directly with your own credentials, and changes nothing. Requires ec2:DescribeInstances, ssm:DescribeInstanceInformation, ec2:DescribeVpcEndpoints, iam:GetInstanceProfile and iam:SimulatePrincipalPolicy; a missing permission is a warning. Exit code 1: a check failed.",
    examples: {
      "stackyard fleet doctor": "All instances with the tag has_ssm_agent",
      "stackyard fleet doctor --region eu-west-1 --artifact s3://my-artifacts/site/app.zip":
        "Also check that they may read an artifact",
    },
    args: Args,
    async run({ out, signal }: PluginCommandContext, args) {
      return reportFindings(await loadFindings(open, args, signal), out);
    },
  });
}

async function loadFindings(open: OpenDoctorAws, args: Args, signal: AbortSignal): Promise<readonly FleetFinding[]> {
  const aws = await open(toPlace(args), signal);
  // The SDK is loaded by those who need it.
  const { loadFleetFacts } = await import("./load-fleet-facts.ts");
  const { tagKey, tagValue: tagValues, artifact, fromTags = false } = args;
  const select = { ...(tagKey && { tagKey }), ...(tagValues && { tagValues }) };
  try {
    const facts = await loadFleetFacts(aws, { select, artifactArn: toObjectArn(artifact, args.region) });
    return checkFleet(facts, { needsTags: fromTags });
  } catch (error) {
    if (!(error instanceof AwsCallError)) throw error;
    return [{ check: "instances", status: "fail", message: error.message }];
  }
}

async function openAws(place: DoctorPlace, signal: AbortSignal): Promise<DoctorAws> {
  const { openDoctorAws } = await import("./load-fleet-facts.ts");
  return openDoctorAws(place, signal);
}

function toPlace({ account, region, role, externalId }: Args): DoctorPlace {
  if (account === undefined && (role ?? externalId) === undefined) return defined({ region });
  if (account === undefined || region === undefined) {
    throw new StackyardError(
      "USAGE",
      "--account and --region must be given together, and --role and --external-id require both.",
    );
  }
  return { account, region, ...(role && { role }), ...(externalId && { externalId }) };
}

function toObjectArn(address: string | undefined, region = ""): string | undefined {
  return address === undefined ? undefined : `arn:${toPartition(region)}:s3:::${address.slice("s3://".length)}`;
}
