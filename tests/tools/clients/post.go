// post PORT NAME COUNT THREADS TIMEOUT_MS: posts payments with keys NAME-0 to NAME-(COUNT-1), each
// until it has a certain answer. net/http sends a POST with an Idempotency-Key again by itself where
// a connection that it has kept ends before the answer. A line a key: "KEY STATUS TRIES".
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

func post(client *http.Client, url, key, body string) (int, error) {
	request, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", `"`+key+`"`)
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err = io.Copy(io.Discard, response.Body); err != nil {
		return 0, err
	}
	return response.StatusCode, nil
}

func main() {
	numbers := make([]int, 0, 3)
	for _, argument := range os.Args[3:6] {
		number, err := strconv.Atoi(argument)
		if err != nil {
			panic(err)
		}
		numbers = append(numbers, number)
	}
	count, threads, timeout := numbers[0], numbers[1], numbers[2]
	url := "http://127.0.0.1:" + os.Args[1] + "/api/payments"
	client := &http.Client{
		Timeout:   time.Duration(timeout) * time.Millisecond,
		Transport: &http.Transport{MaxIdleConnsPerHost: threads},
	}
	todo := make(chan int)
	var group sync.WaitGroup
	for i := 0; i < threads; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for number := range todo {
				key := fmt.Sprintf("%s-%d", os.Args[2], number)
				body := fmt.Sprintf(`{"user":"%s","paymentAmt":1.25,"volume":%d}`, key, number%7+1)
				for tries := 1; ; tries++ {
					status, err := post(client, url, key, body)
					if err != nil || status == 503 || status == 409 {
						continue // no certain answer: the same again
					}
					fmt.Printf("%s %d %d\n", key, status, tries)
					break
				}
			}
		}()
	}
	for number := 0; number < count; number++ {
		todo <- number
	}
	close(todo)
	group.Wait()
}
