// Command bare is the least that a Lambda function in Go can be: what the start of ours is held against.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() { lambda.Start(func() error { return nil }) }
