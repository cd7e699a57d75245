import { describe, expect, it } from "vitest";
import type { Service } from "../document/release.ts";
import { aService } from "../testing/a-release.ts";
import { someLaunchFacts, someResources } from "../testing/launch-facts.ts";
import { toLaunchTemplate } from "./to-launch-template.ts";

/** The data of the template of a service that differs so. */
function dataOf(over: Partial<Service>) {
  return toLaunchTemplate(someLaunchFacts({ service: aService(over) }), "").LaunchTemplateData;
}

describe("toLaunchTemplate", () => {
  it("asks for the instance, with metadata by tokens and without detailed monitoring", () => {
    const resources = someResources({ profile_arn: "arn:aws:iam::111122223333:instance-profile/web" });

    const request = toLaunchTemplate(someLaunchFacts({ resources }), "#!/bin/sh\n");

    expect(request).toMatchObject({
      LaunchTemplateName: "org/shop-production-2026-01-01T00-00-00Z-web",
      VersionDescription: "release-2",
      TagSpecifications: [{ ResourceType: "launch-template" }],
    });
    expect(request.TagSpecifications?.[0]?.Tags).toContainEqual({ Key: "ReleaseID", Value: "release-2" });
    expect(request.LaunchTemplateData).toEqual({
      ImageId: "ami-1",
      InstanceType: "t3.micro",
      SecurityGroupIds: ["sg-1"],
      IamInstanceProfile: { Arn: "arn:aws:iam::111122223333:instance-profile/web" },
      UserData: "IyEvYmluL3NoCg==",
      MetadataOptions: { HttpEndpoint: "enabled", HttpTokens: "required", HttpPutResponseHopLimit: 1 },
      Monitoring: { Enabled: false },
    });
  });

  it("never says whether an instance is EBS-optimised: current types are by default", () => {
    expect(dataOf({ instance_type: "m5.large" })).not.toHaveProperty("EbsOptimized");
  });

  it("gives a public address, or none, through the network interface, which then has the security groups", () => {
    expect(dataOf({ associate_public_ip_address: false })).toMatchObject({
      NetworkInterfaces: [
        { DeviceIndex: 0, AssociatePublicIpAddress: false, DeleteOnTermination: true, Groups: ["sg-1"] },
      ],
    });
    expect(dataOf({ associate_public_ip_address: true })).not.toHaveProperty("SecurityGroupIds");
  });

  it("makes a volume of gp3 that goes with its instance, of a size alone", () => {
    expect(dataOf({ ebs_volume_size: 20 })?.BlockDeviceMappings).toEqual([
      { DeviceName: "/dev/xvda", Ebs: { VolumeSize: 20, VolumeType: "gp3", DeleteOnTermination: true } },
    ]);
  });

  it("makes volumes as they are asked for, the further ones after the first", () => {
    const devices = dataOf({
      ebs_volume_size: 20,
      ebs_volume_type: "io2",
      ebs_device_name: "/dev/sda1",
      ebs_iops: 3_000,
      ebs_throughput: 250,
      ebs_encrypted: true,
      ebs_delete_on_termination: false,
      volumes: [{ device: "/dev/sdf", size: 100, type: "gp3", kms_key: "alias/data" }],
    })?.BlockDeviceMappings;

    expect(devices).toEqual([
      {
        DeviceName: "/dev/sda1",
        Ebs: {
          VolumeSize: 20,
          VolumeType: "io2",
          Iops: 3_000,
          Throughput: 250,
          Encrypted: true,
          DeleteOnTermination: false,
        },
      },
      {
        DeviceName: "/dev/sdf",
        Ebs: { VolumeSize: 100, VolumeType: "gp3", Encrypted: true, KmsKeyId: "alias/data", DeleteOnTermination: true },
      },
    ]);
  });

  it("encrypts the first volume with its key", () => {
    expect(dataOf({ ebs_volume_size: 8, ebs_kms_key: "alias/root" })?.BlockDeviceMappings?.[0]?.Ebs).toMatchObject({
      Encrypted: true,
      KmsKeyId: "alias/root",
    });
  });

  it("asks for Spot instances of one type, and leaves several types to the group", () => {
    expect(dataOf({ spot_price: "0.02" })).toMatchObject({
      InstanceMarketOptions: { MarketType: "spot", SpotOptions: { MaxPrice: "0.02", SpotInstanceType: "one-time" } },
    });
    expect(dataOf({ spot_price: "0.02", instance_types: ["t3a.micro"] })).not.toHaveProperty("InstanceMarketOptions");
  });

  it("takes tokens, hop limit and tenancy from the service", () => {
    const data = dataOf({ metadata_tokens: "optional", metadata_hop_limit: 2, placement_tenancy: "dedicated" });

    expect(data).toMatchObject({
      MetadataOptions: { HttpTokens: "optional", HttpPutResponseHopLimit: 2 },
      Placement: { Tenancy: "dedicated" },
    });
  });
});
