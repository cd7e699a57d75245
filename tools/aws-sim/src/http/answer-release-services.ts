import type { AwsSim } from "../aws-sim.ts";
import { type Answer, answerCloudWatch, answerQuery } from "./front-door.ts";
import { parseQuery } from "./query-protocol.ts";
import { answerS3 } from "./s3-door.ts";

/** The version of the API of classic load balancers; the newer ones answer to 2015-12-01 under the same name. */
const CLASSIC = "2012-06-01";

/**
 * Returns the services of releases on Auto Scaling groups, by the names in signatures: services for `openFrontDoor`.
 */
export function answerReleaseServices(sim: AwsSim): Readonly<Record<string, Answer>> {
  return {
    autoscaling: answerQuery(sim, "AutoScaling"),
    ec2: answerQuery(sim, "EC2"),
    elasticloadbalancing: answerLoadBalancing(sim),
    iam: answerQuery(sim, "IAM"),
    monitoring: answerCloudWatch(sim),
    s3: answerS3(sim),
    sns: answerQuery(sim, "SNS"),
    sts: answerQuery(sim, "STS"),
  };
}

function answerLoadBalancing(sim: AwsSim): Answer {
  const [classic, newer] = [answerQuery(sim, "ElasticLoadBalancing"), answerQuery(sim, "ElasticLoadBalancingV2")];
  return async (request) => {
    const { version } = parseQuery(request.body.toString());
    return version === CLASSIC ? classic(request) : newer(request);
  };
}
