import type {
  _InstanceType,
  CreateLaunchTemplateCommandInput,
  LaunchTemplateInstanceMarketOptionsRequest,
  RequestLaunchTemplateData,
} from "@aws-sdk/client-ec2";
import type { LaunchFacts } from "./launch-facts.ts";
import { toReleaseTags, toTagList } from "./release-tags.ts";
import { toTemplateName } from "./template-name.ts";
import { toBlockDevices } from "./to-block-devices.ts";
import { isMixed } from "./to-mixed-instances.ts";

/**
 * The request for the launch template of a service, of which a release makes one version. `userData`: rendered, as text.
 * Source: EC2 API reference, "CreateLaunchTemplate" and "RequestLaunchTemplateData".
 */
export function toLaunchTemplate(facts: LaunchFacts, userData: string): CreateLaunchTemplateCommandInput {
  return {
    LaunchTemplateName: toTemplateName(facts.serviceId),
    VersionDescription: facts.release.release_id.slice(0, 255),
    LaunchTemplateData: toData(facts, userData),
    TagSpecifications: [{ ResourceType: "launch-template", Tags: toTagList(toReleaseTags(facts)) }],
  };
}

function toData(facts: LaunchFacts, userData: string): RequestLaunchTemplateData {
  const { service, resources } = facts;
  const devices = toBlockDevices(service);
  const market = toMarket(facts);
  return {
    ImageId: resources.image,
    // EC2 knows more types than the SDK's list of them.
    InstanceType: service.instance_type as _InstanceType,
    ...toNetwork(facts),
    ...(resources.profile_arn !== undefined && { IamInstanceProfile: { Arn: resources.profile_arn } }),
    ...(userData !== "" && { UserData: Buffer.from(userData, "utf8").toString("base64") }),
    ...(devices.length > 0 && { BlockDeviceMappings: devices }),
    ...(service.placement_tenancy !== undefined && { Placement: { Tenancy: service.placement_tenancy } }),
    ...(market && { InstanceMarketOptions: market }),
    MetadataOptions: {
      HttpEndpoint: "enabled",
      HttpTokens: service.metadata_tokens,
      HttpPutResponseHopLimit: service.metadata_hop_limit,
    },
    Monitoring: { Enabled: false },
  };
}

/** EC2 takes security groups either of the instance or of its network interface, and a public address only of the latter. */
function toNetwork({ service, resources }: LaunchFacts): Partial<RequestLaunchTemplateData> {
  const groups = [...resources.security_groups];
  if (service.associate_public_ip_address === undefined) return { SecurityGroupIds: groups };
  return {
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        AssociatePublicIpAddress: service.associate_public_ip_address,
        DeleteOnTermination: true,
        Groups: groups,
      },
    ],
  };
}

/** Spot instances of one type. Of several types the group's policy says it: Auto Scaling refuses it in the template then. */
function toMarket({ service }: LaunchFacts): LaunchTemplateInstanceMarketOptionsRequest | undefined {
  if (service.spot_price === undefined || isMixed(service)) return undefined;
  return { MarketType: "spot", SpotOptions: { MaxPrice: service.spot_price, SpotInstanceType: "one-time" } };
}
