package pusher

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"io"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"github.com/earshot-hq/earshot/internal/telemetry"
)

// unpack returns the body as the browser made it. Gzip is known by its bytes: API Gateway may have unpacked it already and
// left the header, or not.
func unpack(r events.APIGatewayProxyRequest, maxBytes int) ([]byte, error) {
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return nil, ErrUnpack
		}
	}
	if len(body) > maxBytes {
		return nil, telemetry.ErrTooLarge
	}
	if !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, knownEncoding(r, body)
	}
	zip, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, ErrUnpack
	}
	body, err = io.ReadAll(io.LimitReader(zip, int64(maxBytes)+1))
	switch {
	case len(body) > maxBytes: // the rest of a bomb stays packed
		return nil, telemetry.ErrTooLarge
	case err != nil:
		return nil, ErrUnpack
	}
	return body, nil
}

// knownEncoding refuses a body in an encoding that is not ours. API Gateway unpacks deflate too.
func knownEncoding(r events.APIGatewayProxyRequest, body []byte) error {
	for _, value := range header(r, "content-encoding") {
		for coding := range strings.SplitSeq(value, ",") {
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "", "identity", "gzip", "x-gzip":
			case "deflate":
				if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
					return ErrEncoding
				}
			default:
				return ErrEncoding
			}
		}
	}
	return nil
}
