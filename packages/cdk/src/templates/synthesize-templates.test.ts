import { describe, expect, it } from "vitest";
import { FULL_RELEASES_ACCOUNT, FULL_RELEASES_APP, RELEASES_DEPLOYMENTS } from "../testing/a-releases-app.ts";
import { DEPLOYMENTS, FULL_YARD_PARAMETERS, RUNNER_PARAMETERS } from "../testing/a-yard.ts";
import {
  APP_DEPLOYMENTS,
  FULL_ECS_TASK_APP,
  FULL_FLEET_APP,
  FULL_INSTANCES_APP,
  FULL_SERVICES_APP,
} from "../testing/an-app.ts";
import {
  ARTIFACTS_DEPLOYMENTS,
  CONSUMER_ZIP_APP,
  FULL_CONSUMER_APP,
  FULL_DISTRIBUTOR_APP,
  FULL_ROLLOUT_APP,
  OLD_CONSUMER_APP,
  SOURCES,
} from "../testing/an-artifacts-app.ts";
import { checkLimits } from "../testing/check-limits.ts";
import { checkResources } from "../testing/check-resources.ts";
import { resolveTemplate, type TemplateBody, toJson } from "../testing/resolve-template.ts";
import { PARAMETERS } from "./parameter-definitions.ts";
import { synthesizeTemplates } from "./synthesize-templates.ts";

const templates = synthesizeTemplates(SOURCES);
const bodies = new Map(templates.map(({ name, body }) => [name, parseTemplate(body)]));

function parseTemplate(body: string): TemplateBody {
  return JSON.parse(body);
}

function bodyOf(name: string): TemplateBody {
  const body = bodies.get(name);
  if (body === undefined) throw new TypeError(`Template ${name} not found.`);
  return body;
}

describe("the templates", () => {
  it("are one for the yard and one for each app", () => {
    expect(templates.map(({ name }) => name)).toEqual([
      ...["yard", "state-manager", "task-runner"],
      ...["ecs-task", "fleet", "fleet-instances", "services", "releases", "releases-account"],
      ...["distributor", "consumer-zip", "consumers-rollout", "consumer"],
    ]);
  });

  it("are all but the one that needs a build, without a build", () => {
    const names = synthesizeTemplates().map(({ name }) => name);

    expect(names).toEqual(templates.map(({ name }) => name).filter((name) => name !== "consumer"));
  });

  it("are the same bytes each time", () => {
    expect(synthesizeTemplates(SOURCES)).toEqual(templates);
  });

  it.each(templates)("$name is within the limits of CloudFormation", ({ body }) => {
    expect(checkLimits(body)).toEqual([]);
  });

  it.each(templates.filter(({ name }) => name !== "yard" && name !== "consumer"))(
    "$name is small enough for a call without S3",
    ({ body }) => {
      // "CloudFormation quotas", template body size in a request: 51,200. The rest is room for the next parameter.
      expect(Buffer.byteLength(body)).toBeLessThanOrEqual(50_000);
    },
  );

  it.each([...DEPLOYMENTS, ...APP_DEPLOYMENTS, ...RELEASES_DEPLOYMENTS, ...ARTIFACTS_DEPLOYMENTS])(
    "%s fits the schemas of its resources, deployed %s",
    (name, _how, parameters) => {
      expect(checkResources(resolveTemplate(bodyOf(name), parameters))).toEqual([]);
    },
  );

  it.each(templates)("$name needs no bootstrap and no assets", ({ body }) => {
    expect(Object.keys(bodyOf("yard").Parameters ?? {})).not.toContain("BootstrapVersion");
    expect(body).not.toMatch(/cdk-|AssetParameters|aws:cdk/);
  });

  it.each(templates)("$name uses every parameter and condition that it has", ({ name, body }) => {
    const { Parameters = {}, Conditions = {} } = bodyOf(name);
    const isUsed = (id: string) => body.includes(`"Ref": "${id}"`) || body.includes(`\${${id}}`);
    const isAsked = (id: string) => body.split(`"${id}"`).length > 2;

    expect(Object.keys(Parameters).filter((id) => !isUsed(id))).toEqual([]);
    expect(Object.keys(Conditions).filter((id) => !isAsked(id))).toEqual([]);
  });

  it.each(templates)("$name has defaults that are among the values, as linters compare them", ({ name }) => {
    const wrong = Object.entries(toJson(bodyOf(name).Parameters)).filter(([, parameter]) => {
      const { AllowedValues, Default } = toJson(parameter);
      return Array.isArray(AllowedValues) && Default !== undefined && !AllowedValues.includes(Default);
    });

    expect(wrong.map(([id]) => id)).toEqual([]);
  });

  it.each(templates)("$name shows its parameters in groups, each once", ({ name }) => {
    const { Metadata, Parameters } = toJson(bodyOf(name));
    const { ParameterGroups } = toJson(toJson(Metadata)["AWS::CloudFormation::Interface"]);
    const shown = (Array.isArray(ParameterGroups) ? ParameterGroups : []).flatMap(({ Parameters: names }) => names);

    expect(shown.toSorted()).toEqual(Object.keys(toJson(Parameters)).toSorted());
  });
});

describe("the parameters", () => {
  it("say what they are for, in a sentence", () => {
    const wrong = Object.entries(PARAMETERS).filter(([, { description }]) => !/^[A-Z`a-z].*\.$/.test(description));

    expect(wrong.map(([name]) => name)).toEqual([]);
  });

  const given = { ...FULL_YARD_PARAMETERS, ...RUNNER_PARAMETERS };
  const ofApps = { ...FULL_ECS_TASK_APP, ...FULL_FLEET_APP, ...FULL_INSTANCES_APP, ...FULL_SERVICES_APP };
  const ofReleases = { ...FULL_RELEASES_APP, ...FULL_RELEASES_ACCOUNT };

  const ofArtifacts = [FULL_DISTRIBUTOR_APP, FULL_CONSUMER_APP, CONSUMER_ZIP_APP, FULL_ROLLOUT_APP, OLD_CONSUMER_APP];

  it.each([
    ...Object.entries({ ...given, ...ofApps, ...ofReleases }),
    ...ofArtifacts.flatMap((each) => Object.entries<string>(each)),
  ])("%s takes %s", (name, value) => {
    const definition = toJson(toJson(PARAMETERS)[name]);
    const pattern = new RegExp(String(definition["pattern"] ?? ""));
    const values = definition["values"];

    const parts = definition["type"] === "CommaDelimitedList" ? value.split(",") : [value];
    expect(parts.filter((part) => !pattern.test(part))).toEqual([]);
    if (Array.isArray(values)) expect(values.map(String)).toContain(value);
  });

  it.each([
    ["YardName", "-main"],
    ["YardName", "a".repeat(31)],
    ["MachineBucket", "Machines"],
    ["MachinePrefix", "m/*"],
    ["TaskConcurrency", "1"],
    ["TaskConcurrency", "1001"],
    ["QueueKeyArn", "alias/queues"],
    ["ConnectionSecretArn", "db"],
    ["StateManagerReservedConcurrency", "0"],
    ["TaskQueueArn", "https://sqs.eu-west-1.amazonaws.com/111122223333/stack-tasks"],
    ["PermissionsBoundaryArn", "boundary"],
    ["EventTopicArn", "deploys"],
    ["EventRuleArns", "*"],
    ["EventSenderArns", "*"],
    ["Executors", "delay ecs"],
    ["QueueSenders", "release-managers"],
    ["RefusedEventsKeep", "soon"],
    ["TerraformStateUrl", "stackyard.example.org"],
    ["DistributorArn", "stackyard-distributor"],
    ["DistributorArn", "arn:aws:lambda:eu-west-1:111122223333:function:stackyard-distributor:live"],
    ["DistributorArn", "*"],
    ["ClusterArns", "apps"],
    ["TaskDefinitionArns", "arn:aws:ecs:eu-west-1:111122223333:task-definition/migrate"],
    ["FleetEnvironment", "Production"],
    ["BootProfile", "Ansible"],
    ["ProjectPrefix", "project"],
    ["AssociatedArtifact", "s3://artifacts/a'b"],
    ["AssociatedEntryPoint", "../run.sh"],
    ["AssociationConcurrency", "0"],
    ["AssociationErrors", "101%"],
    ["PatchSchedule", "every day"],
    ["ReleasesCodeKey", "a b"],
    ["ExistingReleaseBucket", "Releases"],
    ["DeployerRoleArn", "deployer"],
    ["AssumedRole", "team/deployer"],
    ["ReleaseKeyArn", "alias/releases"],
    ["DistributionTopic", "topic"],
    ["DistributionRegion", "EU"],
    ["InitialDistributionRole", "TriggerInitSetRole"],
    ["TargetBucket", "NO_VALUE"],
    ["BucketPrefix", "a".repeat(35)],
    ["BucketPrefix", "Artifacts"],
    ["SsmParameterName", "bucket-name"],
    ["ConsumerZip", "consumer/0.1.0/consumer.zip"],
    ["TrustedAccounts", "11112222333"],
    ["TrustedAccounts", "*"],
    ["OrganizationId", "*"],
    ["ArtifactPrefix", "artifacts"],
    ["UploadPrefix", "/uploads"],
    ["ConsumerTemplateUrl", "s3://code/consumer.template.json"],
    ["OrganizationalUnitIds", "Sandbox"],
  ] as const)("%s does not take %s", (name, value) => {
    const { pattern } = toJson(PARAMETERS[name]);

    expect(value).not.toMatch(new RegExp(String(pattern)));
  });
});
