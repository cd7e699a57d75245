import { answerJson, answerQuery, createAwsSim, openFrontDoor } from "@stackyard/aws-sim";
import { systemClock } from "@stackyard/core/engine";
import { toStackTags } from "@stackyard/core/services";

/** The target of the machine. */
const PLACE = { account: "111122223333", region: "eu-west-1" } as const;

/** A simulated AWS account at an address of this computer. */
export interface Account {
  /** With it, programs find the account. */
  readonly environment: Readonly<Record<string, string>>;
  /** Adds a bucket with the tags of a preview, of which Terraform does not know. Returns its ARN. */
  addBucket(name: string, stackId: string): string;
  remove(arn: string): void;
  stop(): Promise<void>;
}

export async function startAccount(): Promise<Account> {
  const { account, region } = PLACE;
  const sim = createAwsSim({ clock: systemClock });
  const services = {
    tagging: answerJson(sim, "ResourceGroupsTaggingAPI"),
    sts: answerQuery(sim, "STS"),
  };
  const door = await openFrontDoor({ services, others: "http://127.0.0.1:1" });
  const { accessKeyId, secretAccessKey } = sim.iam.addUser({ account, name: "runner", allow: ["tag:GetResources"] });
  return {
    environment: {
      AWS_ENDPOINT_URL: door.url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    },
    addBucket(name, stackId) {
      const arn = `arn:aws:s3:::${name}`;
      const tags = toStackTags({ yard: "main", stackId, machine: "preview" });
      sim.tagging.add({ account, region, arn, tags: { ...tags } });
      return arn;
    },
    remove: (arn) => sim.tagging.remove(arn),
    stop: () => door.stop(),
  };
}
