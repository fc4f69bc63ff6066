package sendonce_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/earshot-hq/earshot/internal/sendonce"
)

// A client keeps what it was asked to send, and answers at once.
type client struct {
	bodies []io.Reader
	sent   []string
}

func (c *client) Do(r *http.Request) (*http.Response, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.bodies, c.sent = append(c.bodies, r.Body), append(c.sent, string(text))
	status := http.StatusOK
	if len(c.sent) == 1 {
		status = http.StatusServiceUnavailable
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// net/http asks a body for more after the SDK has closed it: the answer is a plain end, also of a body that is sent again.
func TestABodyThatIsClosedEndsPlainly(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*testing.T, aws.Config) error{
		"a call": func(t *testing.T, config aws.Config) error {
			t.Helper()
			_, err := sqs.NewFromConfig(config).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String("http://x/1/q"), MessageBody: aws.String("hello")})
			return err
		},
		"an object": func(t *testing.T, config aws.Config) error {
			t.Helper()
			_, err := s3.NewFromConfig(config).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("bucket"), Key: aws.String("key"), Body: strings.NewReader("hello"),
			})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := &client{}
			config := aws.Config{
				Region: "eu-central-1", BaseEndpoint: aws.String("http://localhost"), HTTPClient: sent,
				Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
			}
			sendonce.Apply(&config)
			sendonce.Apply(&config)
			if err := send(t, config); err != nil {
				t.Fatal(err)
			}
			if len(sent.sent) != 2 || !strings.Contains(sent.sent[0], "hello") || sent.sent[0] != sent.sent[1] {
				t.Errorf("sent %q", sent.sent)
			}
			for _, body := range sent.bodies {
				if n, err := io.Copy(io.Discard, body); n != 0 || err != nil {
					t.Errorf("a closed body gave %d bytes, %v", n, err)
				}
			}
		})
	}
}
