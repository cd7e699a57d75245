import { createHash } from "node:crypto";
import type { AwsSim } from "@stackyard/aws-sim";
import { PRESETS } from "@stackyard/executor-asg/releases";

/** Where everything is. */
export const PLACE = { account: "111122223333", region: "eu-west-1" } as const;
const { bucketPrefix, optInTag, profileRoot } = PRESETS.odin;
/** The bucket of documents and locks. */
export const BUCKET = `${bucketPrefix}${PLACE.account}`;

const USER_DATA = "#!/bin/sh\necho {{RELEASE_ID}}\n";
const TAGS = { Name: "web", ProjectName: "org/shop", ConfigName: "production", ServiceName: "web" };

/** Adds image, subnet, and the resources that the service `web` may use. Returns the ARN of its target group. */
export function addResources(sim: AwsSim): string {
  sim.s3.createBucket({ ...PLACE, name: BUCKET });
  sim.ec2.addImage({ ...PLACE, tags: { Name: "base", DeployWith: optInTag } });
  sim.ec2.addSubnet({ ...PLACE, tags: { Name: "private-a", DeployWith: optInTag } });
  sim.ec2.addSecurityGroup({ ...PLACE, tags: TAGS });
  sim.iam.addInstanceProfile({ ...PLACE, name: "web", path: `${profileRoot}org/shop/production/web/` });
  return sim.loadBalancing.addTargetGroup({ ...PLACE, name: "web", tags: TAGS, deregistrationDelaySeconds: 5 });
}

/** A release as its client starts it: the input of the state machine, and the files of the bucket by their keys. */
export function toStart(id: string, changes: Readonly<Record<string, unknown>> = {}) {
  const input = JSON.stringify({ ...toDocument(id), ...changes });
  const folder = `${PLACE.account}/org/shop/production/${id}`;
  return { input, files: { [`${folder}/release`]: input, [`${folder}/userdata`]: USER_DATA } };
}

function toDocument(release_id: string) {
  return {
    release_id,
    aws_account_id: PLACE.account,
    aws_region: PLACE.region,
    project_name: "org/shop",
    config_name: "production",
    created_at: new Date().toISOString(),
    timeout: 600,
    ami: "base",
    subnets: ["private-a"],
    user_data_sha256: createHash("sha256").update(USER_DATA).digest("hex"),
    services: {
      web: {
        instance_type: "t3.micro",
        security_groups: ["web"],
        target_groups: ["web"],
        profile: "web",
        autoscaling: { min_size: 2, max_size: 4, policies: [{ type: "cpu_scale_up" }] },
      },
    },
  };
}
