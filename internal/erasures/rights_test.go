package erasures_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/earshot-hq/earshot/internal/erasures"
	"github.com/earshot-hq/earshot/internal/telemetry"
	"github.com/earshot-hq/earshot/internal/testenv"
)

// The indexer may list what was erased, and nothing else of the bucket by that right.
func TestTheRightToListErasuresIsEnough(t *testing.T) {
	t.Parallel()
	client, name := bucket(t)
	if err := erasures.New(client, name, key, 0).Note(t.Context(), telemetry.SubjectOf(key, "mira.holm"), 1000); err != nil {
		t.Fatal(err)
	}
	users, who := iam.NewFromConfig(testenv.AWS(t)), aws.String("erasures-"+name)
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: who}); err != nil {
		t.Fatal(err)
	}
	if _, err := users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: who, PolicyName: who, PolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::` + name + `",
			"Condition": {"StringLike": {"s3:prefix": "erased/*"}}}]}`)}); err != nil {
		t.Fatal(err)
	}
	made, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: who})
	if err != nil {
		t.Fatal(err)
	}
	as := s3.NewFromConfig(testenv.AWSAs(t, *made.AccessKey.AccessKeyId, *made.AccessKey.SecretAccessKey), func(o *s3.Options) { o.UsePathStyle = true })
	current, err := erasures.New(as, name, key, 0).Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, n := current.Apply(envelope("mira.holm")); n != 1 {
		t.Errorf("%d erased, want 1", n)
	}
	if _, err := as.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name}); err == nil {
		t.Error("the whole bucket can be listed")
	}
	if _, err := as.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &name, Prefix: aws.String("archive/")}); err == nil {
		t.Error("the archive can be listed")
	}
}
